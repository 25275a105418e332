"""A song in, stems out; and the separation model's weights."""
