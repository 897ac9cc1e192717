"""The embedded digits against their source, and folders of photographs."""

import io

import numpy as np
import pandas as pd
import pytest
from pictures import jpeg
from PIL import Image

from jaxpe.data import images
from jaxpe.errors import UserError


def test_the_embedded_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    embedded, published = images.load_digits(), load_digits()
    np.testing.assert_array_equal(embedded.images, published.images)
    np.testing.assert_array_equal(embedded.labels, published.target)


def test_the_middle_of_a_photograph_is_kept():
    """A wide picture, red at both ends: after resizing and cropping only its white middle is left."""
    picture = Image.new("RGB", (800, 256), "red")
    picture.paste("white", (200, 0, 600, 256))
    file = io.BytesIO()
    picture.save(file, "PNG")
    assert images.decode_photograph(file.getvalue(), "a.png").min() == 255


def test_photographs_are_read_from_a_table(tmp_path):
    table = pd.DataFrame({"name": ["red"], "label": [243], "image": [jpeg("red")]})
    table.to_parquet(tmp_path / "photographs.parquet")
    [photograph] = images.read_photograph_table(tmp_path / "photographs.parquet")
    assert (photograph.name, photograph.label, photograph.pixels.shape) == ("red", 243, (224, 224, 3))
    np.testing.assert_allclose(photograph.pixels.mean((0, 1)), [254, 0, 0], atol=2)


def test_folders_of_photographs_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(UserError, match="holds no photograph: put files named NAME_CLASS"):
        images.read_photograph_folder(tmp_path)
    with pytest.raises(UserError, match="is not a folder"):
        images.read_photograph_folder(tmp_path / "missing")
    (tmp_path / "panda_388.jpg").write_bytes(jpeg("white")[:200])
    with pytest.raises(UserError, match=r"panda_388\.jpg is not a picture"):
        images.read_photograph_folder(tmp_path)
    (tmp_path / "panda_388.jpg").rename(tmp_path / "panda.jpg")
    with pytest.raises(UserError, match="does not say its class"):
        images.read_photograph_folder(tmp_path)
