"""Pictures that tests make."""

import io

from PIL import Image


def jpeg(colour, size=(300, 400)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "JPEG")
    return file.getvalue()
