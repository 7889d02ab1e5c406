"""Rows of ``cctv.person`` as columns: decoded by a compiled kernel, live and past, cut to what a case may see."""
