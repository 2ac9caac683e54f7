_base_ = 'bike_vitb16_k400.py'

from bike_mmaction.recipes import use_rawframes

use_rawframes(_base_)
