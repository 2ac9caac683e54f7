# As the base, in the memory of smaller GPUs, or with larger batches.
_base_ = 'bike_vitl14_336_32f_k400.py'

from bike_mmaction.recipes import use_fsdp

use_fsdp(_base_, recompute=True)
