"""The figures of attention heads are functions of the table."""

from probed_models import measure_head_table

from jaxpe.figures import heads


def test_figures_are_functions_of_the_table():
    table = measure_head_table()
    figures = heads.draw_all(table)
    names = ("scores_learned", "shares_learned", "distance_learned", "ablation_learned")
    names += ("examples_copy_decoder_learned", "examples_reverse_encoder_learned")
    assert {f"head_{name}" for name in names} == set(figures)
    assert heads.draw_all(table[table["metric"] == "none"]) == {}
