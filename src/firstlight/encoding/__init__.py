"""The same layers in another compression: zstd, eStargz, gzip again."""
