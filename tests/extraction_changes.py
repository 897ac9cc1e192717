"""The table of extraction with values of some rows replaced by known ones, slightly different for each seed."""


def set_values(table, value, **columns):
    changed = table.copy()
    selected = changed["metric"].notna()
    for name, expected in columns.items():
        selected &= changed[name] == expected
    assert selected.any()
    changed.loc[selected, "value"] = value + 0.001 * changed.loc[selected, "seed"]
    return changed


def set_probe(table, trained, untrained):
    """With the error of the position probe after layer 1."""
    columns = {"metric": "probe_error", "target": "position", "layer": 1}
    return set_values(
        set_values(table, trained, network="trained", **columns), untrained, network="untrained", **columns
    )


def set_share(table, part, trained, untrained):
    """With the share of a part in the variance at the answers after layer 1."""
    columns = {"metric": "variance_share", "part": part, "layer": 1, "places": "answers"}
    return set_values(
        set_values(table, trained, network="trained", **columns), untrained, network="untrained", **columns
    )
