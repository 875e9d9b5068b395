"""Which providers there are, what each needs from the environment, and which speak plain chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from experiments.plans.pricing import shipped_snapshot

DEMO = "demo"
DEMO_MODELS = ("demo/small", "demo/large", "demo/judge")
DEMO_EMBEDDINGS = ("demo/embedding",)
"""Simulated models that give vectors, and nothing else."""


@dataclass(frozen=True, slots=True)
class PlainProvider:
    """A provider whose endpoint is the plain OpenAI protocol, so that the lean engine may talk to it.

    ``base_variables`` are read in this order, as litellm does. ``needs_key`` holds for the official host only.
    """

    base_variables: tuple[str, ...]
    key_variable: str
    official_base: str | None = None


PLAIN_PROVIDERS: Mapping[str, PlainProvider] = {
    "openai": PlainProvider(
        ("OPENAI_BASE_URL", "OPENAI_API_BASE"), "OPENAI_API_KEY", official_base="https://api.openai.com/v1"
    ),
    "hosted_vllm": PlainProvider(("HOSTED_VLLM_API_BASE",), "HOSTED_VLLM_API_KEY"),
    "lm_studio": PlainProvider(("LM_STUDIO_API_BASE",), "LM_STUDIO_API_KEY"),
    "llamafile": PlainProvider(("LLAMAFILE_API_BASE",), "LLAMAFILE_API_KEY"),
}

KEY_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "ai21": ("AI21_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "azure": ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_AD_TOKEN", "AZURE_CLIENT_ID"),
    "azure_ai": ("AZURE_AI_API_KEY", "AZURE_API_KEY", "AZURE_CLIENT_ID"),
    "baseten": ("BASETEN_API_KEY",),
    "cerebras": ("CEREBRAS_API_KEY",),
    "cloudflare": ("CLOUDFLARE_API_KEY",),
    "codestral": ("CODESTRAL_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "dashscope": ("DASHSCOPE_API_KEY",),
    "databricks": ("DATABRICKS_API_KEY", "DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID"),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "fireworks_ai": ("FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "huggingface": ("HUGGINGFACE_API_KEY", "HF_TOKEN"),
    "hyperbolic": ("HYPERBOLIC_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "moonshot": ("MOONSHOT_API_KEY",),
    "nebius": ("NEBIUS_API_KEY",),
    "novita": ("NOVITA_API_KEY",),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY", "OR_API_KEY"),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "replicate": ("REPLICATE_API_KEY", "REPLICATE_API_TOKEN"),
    "sambanova": ("SAMBANOVA_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHER_AI_TOKEN"),
    "vercel_ai_gateway": ("VERCEL_AI_GATEWAY_API_KEY",),
    "volcengine": ("VOLCENGINE_API_KEY",),
    "voyage": ("VOYAGE_API_KEY",),
    "wandb": ("WANDB_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "zai": ("ZAI_API_KEY",),
}
"""For providers that need a key: the variables of which one must be set. Clouds with roles and ambient credentials
(bedrock, vertex_ai, sagemaker) and rare providers are not listed; what they lack shows in the first call."""

INTERACTIVE_PROVIDERS = frozenset({"github_copilot", "chatgpt"})
"""litellm asks a person to log in for these, in the terminal, in the middle of a call."""

OFFICIAL_HOSTS = (
    "openai.com",
    "anthropic.com",
    "azure.com",
    "azure.us",
    "googleapis.com",
    "amazonaws.com",
    "mistral.ai",
    "groq.com",
    "deepseek.com",
    "x.ai",
    "cohere.com",
    "cohere.ai",
    "openrouter.ai",
    "together.ai",
    "together.xyz",
    "fireworks.ai",
    "cerebras.ai",
    "perplexity.ai",
)
"""Hosts of providers; an API base below one of them charges the provider's prices."""


def provider_of(model: str) -> str | None:
    """The provider that a model name names, by its prefix or as a bare name of the price list; None when unknown."""
    prefix, slash, _ = model.partition("/")
    if slash:
        return prefix if prefix == DEMO or prefix in PLAIN_PROVIDERS or _is_known(prefix) else None
    facts = shipped_snapshot().facts(model)
    return facts.provider if facts else None


def name_at_provider(model: str) -> str:
    """The model's name without the provider's prefix, as its endpoint knows it."""
    prefix, slash, rest = model.partition("/")
    return rest if slash and provider_of(model) == prefix else model


@cache
def is_official(base: str) -> bool:
    """Whether an API base is a provider's own host, so that its price list holds there."""
    host = (urlsplit(base).hostname or "").lower()
    return any(host == official or host.endswith(f".{official}") for official in OFFICIAL_HOSTS)


def _is_known(prefix: str) -> bool:
    return prefix in KEY_VARIABLES or prefix in shipped_snapshot().providers
