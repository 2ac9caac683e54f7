# The paper's text instead of the released head: no MLPs, the text encoder of
# the attributes is trained, that of the classes is frozen.
_base_ = '../bike_vitb32_k400.py'

from bike_mmaction.recipes import add_attributes_branch

add_attributes_branch(
    _base_,
    'data/kinetics400/attributes_kinetics400_{split}.json',
    mlp=False,
    attributes_encoder=dict(
        type='CLIPTextEncoder',
        arch='ViT-B-32-quickgelu',
        pretrained='openai',
        frozen=False,
    ),
)
load_from = 'work_dirs/bike_vitb32_k400/epoch_30.pth'
