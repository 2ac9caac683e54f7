# Second stage for the baseline of Table 6a: Table 6f. Attributes and classes
# are read by the original CLIP here, not by the fine-tuned text encoder.
_base_ = 'bike_vitb32_meanpool_k400.py'

from bike_mmaction.recipes import add_attributes_branch

add_attributes_branch(
    _base_,
    'data/kinetics400/attributes_kinetics400_{split}.json',
    text_encoder=dict(
        type='CLIPTextEncoder',
        arch='ViT-B-32-quickgelu',
        pretrained='openai',
        frozen=True,
    ),
)
load_from = 'work_dirs/bike_vitb32_meanpool_k400/epoch_30.pth'
