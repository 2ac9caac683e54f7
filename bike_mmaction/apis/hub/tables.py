"""Types and options that the config of a shared model may have, by their place.

Left out is what reads a file, downloads, chooses code or matters in training alone.
"""

from collections.abc import Sequence

Types = Sequence[str]
_RECOGNIZERS = ('CLIPRecognizer', 'Recognizer2D', 'Recognizer3D')
_BACKBONES = (
    'CLIPImageEncoder',
    'PerFrameBackbone',
    'ResNet',
    'ResNet3dSlowOnly',
    'ResNetTSM',
    'SwinTransformer3D',
    'TimeSformer',
    'UniFormerV2',
    'VisionTransformer',
    'mmpretrain.ConvNeXt',
)
# Backbones of which all names are allowed that their package knows, without options.
FOREIGN = ('timm.', 'torchvision.')
# Which types may stand where.
PLACES: dict[str, Types] = dict(
    model=_RECOGNIZERS,
    backbone=_BACKBONES,
    neck=('TemporalTransformer',),
    cls_head=('VCSHead',),
    attributes_head=('AttributesTextHead',),
    text_encoder=('CLIPTextEncoder',),
    attributes_encoder=('CLIPTextEncoder',),
    loss_cls=('ContrastiveLoss', 'SigmoidLoss'),
    data_preprocessor=('ActionDataPreprocessor', 'OptionalVideoDataPreprocessor'),
    norm_cfg=('LN', 'BN', 'BN2d', 'BN3d', 'SyncBN'),
)
# Texts that people read; lists of them, too.
TEXTS = ('class_names', 'lexicon', 'prompt', 'attributes_prompt', 'separator')
_PREPROCESSOR = 'mean std to_rgb to_float32 format_shape'
_TEXT_HEAD = (
    'num_classes in_channels class_names text_encoder prompt words loss_cls '
    'average_clips'
)
_RESNET = 'depth norm_eval out_indices num_stages base_channels norm_cfg'
# The options of each type; of those that are dictionaries, see PLACES.
OPTIONS: dict[str, str] = dict(
    CLIPRecognizer='backbone neck cls_head attributes_head fusion_weight association '
    'data_preprocessor test_cfg',
    Recognizer2D='backbone neck cls_head data_preprocessor test_cfg',
    Recognizer3D='backbone neck cls_head data_preprocessor test_cfg',
    CLIPImageEncoder='arch frozen as_feature_map lora token_merging dtype',
    CLIPTextEncoder='arch frozen lora offload',
    PerFrameBackbone='backbone',
    TemporalTransformer='embed_dims num_heads num_layers max_frames',
    VCSHead=f'{_TEXT_HEAD} aggregation temperature saliency_source num_segments '
    'recognition_source renormalize',
    AttributesTextHead=f'{_TEXT_HEAD} attributes_encoder mlp attributes_prompt '
    'separator',
    ContrastiveLoss='target loss_weight classes',
    SigmoidLoss='loss_weight',
    ActionDataPreprocessor=_PREPROCESSOR,
    OptionalVideoDataPreprocessor=_PREPROCESSOR,
    ResNet=_RESNET,
    ResNetTSM=f'{_RESNET} num_segments shift_div shift_place',
    ResNet3dSlowOnly=f'{_RESNET} lateral conv1_kernel conv1_stride_t pool1_stride_t '
    'inflate spatial_strides temporal_strides with_pool2',
    SwinTransformer3D='arch patch_size window_size mlp_ratio qkv_bias drop_path_rate '
    'patch_norm',
    TimeSformer='num_frames img_size patch_size embed_dims in_channels dropout_ratio '
    'attention_type num_heads num_transformer_layers norm_cfg',
    UniFormerV2='input_resolution patch_size width layers heads t_size dw_reduction '
    'temporal_downsample no_lmhra double_lmhra return_list n_layers n_dim n_head '
    'mlp_factor mlp_dropout clip_pretrained',
    VisionTransformer='img_size patch_size embed_dims depth num_heads mlp_ratio '
    'qkv_bias num_frames norm_cfg tubelet_size use_mean_pooling',
    **{'mmpretrain.ConvNeXt': 'arch drop_path_rate out_indices gap_before_final_norm'},
    LN='eps',
    BN='eps requires_grad',
    BN2d='eps requires_grad',
    BN3d='eps requires_grad',
    SyncBN='eps requires_grad',
)
_CROP = 'crop_size'
_SAMPLING = 'clip_len num_clips test_mode'
TRANSFORMS: dict[str, str] = dict(
    VideoInit='backend num_threads',
    VideoDecode='',
    SampleFrames=f'{_SAMPLING} frame_interval twice_sample out_of_bound_opt',
    SparseSampleFrames=_SAMPLING,
    DenseClipSampleFrames=f'{_SAMPLING} sample_range',
    UniformSample=_SAMPLING,
    Resize='scale keep_ratio interpolation',
    AntialiasedResize='scale keep_ratio interpolation',
    CenterCrop=_CROP,
    RoundedCenterCrop=_CROP,
    ThreeCrop=_CROP,
    TenCrop=_CROP,
    SpacedThreeCrop=_CROP,
    SpacedFiveCrop=_CROP,
    SpacedTenCrop=_CROP,
    FormatShape='input_format',
    PackActionInputs='meta_keys algorithm_keys',
)
NEEDED = ('VideoInit', 'VideoDecode', 'FormatShape', 'PackActionInputs')
ASSOCIATION = 'lexicon topk prompt arch'
ARCH = (
    'embed_dim vision_cfg text_cfg multimodal_cfg custom_text quick_gelu '
    'init_logit_scale init_logit_bias nonscalar_logit_scale'
)
TOKENIZER_KWARGS = 'clean strip_sep_token language'
# The largest numbers of some options: more would fill the memory, or take for ever.
MOST = (
    (r'(num_|n_)?([a-z]+_)?(layers|depths?|stages|threads|ids)', 1000),
    (r'image_size|img_size|input_resolution|crop_size', 2048),
    (r'scale|context_length', 10_000),
    (r'clip_len|num_clips|num_frames|t_size|num_segments|sample_range', 1000),
)
MOST_NUMBER = 10**6
MOST_FRAMES = 10_000  # of a video at once
MOST_PIXELS = 2**30  # of all of them
MOST_SENTENCES = 2 * 10**6  # class names times prompts
