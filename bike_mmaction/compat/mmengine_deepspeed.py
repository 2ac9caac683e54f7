"""Remedies for MMEngine's strategy of DeepSpeed."""

from importlib import import_module

from .registry import remedy, replace

# Those of DeepSpeed 0.19; older ones have more, which MMEngine then registers.
_OPTIMIZERS = {
    'deepspeed.ops.adam': ('DeepSpeedCPUAdam', 'FusedAdam'),
    'deepspeed.ops.lamb': ('FusedLamb',),
}


@remedy('mmengine', '<=0.10.7', 'newer DeepSpeed lacks optimizers that it asks for')
def register_optimizers_that_deepspeed_has() -> None:
    """``No module named 'deepspeed.runtime.fp16.onebit'``."""
    import mmengine._strategy.deepspeed as strategy
    from mmengine.registry import OPTIMIZERS

    def those_there(original):
        def register_deepspeed_optimizers():
            try:
                return original()
            except ImportError:
                pass
            registered = []
            for module, names in _OPTIMIZERS.items():
                for name in names:
                    kind = getattr(import_module(module), name, None)
                    if kind is not None:
                        OPTIMIZERS.register_module(module=kind, force=True)
                        registered.append(name)
            return registered

        return register_deepspeed_optimizers

    replace(strategy, 'register_deepspeed_optimizers', those_there)


@remedy('mmengine', '<=0.10.7', 'missing DeepSpeed is told without a cure')
def say_that_deepspeed_is_missing() -> None:
    """And what it saves holds classes of MMEngine, which nobody else reads."""
    import mmengine._strategy.deepspeed as strategy
    from mmengine.config import ConfigDict

    def named(original):
        def init(self, *args, **kwargs):
            if strategy.deepspeed is None:
                raise ImportError(
                    'strategy.type=DeepSpeedStrategy needs the package deepspeed, '
                    'which is not installed: pip install deepspeed; or train with '
                    'FSDP, which torch has (docs/large_models.md)'
                )
            # It saves them in its files, which ought to hold plain things.
            plain = {
                key: value.to_dict() if isinstance(value, ConfigDict) else value
                for key, value in kwargs.items()
            }
            original(self, *args, **plain)

        return init

    replace(strategy.DeepSpeedStrategy, '__init__', named)


@remedy('deepspeed', '<=0.19.8', 'it cannot send weights that are single numbers')
def send_single_numbers() -> None:
    """``self.dim() cannot be 0 to view Float as Byte``, of ``logit_scale``."""
    from deepspeed.runtime.engine import DeepSpeedEngine

    def as_vectors(original):
        def broadcast(self):
            numbers = [p for p in self.module.parameters() if not p.ndim]
            for number in numbers:
                number.data = number.data.reshape(1)
            try:
                original(self)
            finally:
                for number in numbers:
                    number.data = number.data.reshape(())

        return broadcast

    replace(DeepSpeedEngine, '_broadcast_model', as_vectors)
