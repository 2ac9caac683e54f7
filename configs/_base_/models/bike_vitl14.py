arch = 'ViT-L-14-quickgelu'
pretrained = 'openai'  # an open_clip tag, or the path of a weight file
embed_dims = 768
num_heads = 12  # width of CLIP's text tower / 64

model = dict(
    type='CLIPRecognizer',
    backbone=dict(
        type='CLIPImageEncoder', arch=arch, pretrained=pretrained, with_cp=False
    ),  # True: less memory, a third more time
    neck=dict(
        type='TemporalTransformer',
        embed_dims=embed_dims,
        num_heads=num_heads,
        num_layers=6,
    ),
    cls_head=dict(
        type='VCSHead',
        num_classes=400,
        in_channels=embed_dims,
        class_names='kinetics400',
        prompt='This is a video about {}',
        aggregation='vcs',
        words='all',
        temperature=0.01,
        text_encoder=dict(
            type='CLIPTextEncoder', arch=arch, pretrained=pretrained, frozen=True
        ),
        loss_cls=dict(type='ContrastiveLoss'),
    ),
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        # CLIP's, in 0 to 255
        mean=[122.771, 116.746, 104.094],
        std=[68.501, 66.632, 70.323],
        format_shape='NCTHW',
    ),
)
