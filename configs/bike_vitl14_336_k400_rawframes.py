_base_ = 'bike_vitl14_336_k400.py'

from bike_mmaction.datasets.pipelines import use_rawframes

use_rawframes(_base_)
