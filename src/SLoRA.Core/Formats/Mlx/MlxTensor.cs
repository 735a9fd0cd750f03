using System.Collections.Immutable;
using SLoRA.Formats.Peft;

namespace SLoRA.Formats.Mlx;

/// <summary>A matrix of an adapter of MLX, as PEFT would have it.</summary>
/// <param name="Entry">PEFT's shape under the file's name. Where it is a part of a tensor as it stands, with its bytes.</param>
/// <param name="Key">Module and role.</param>
/// <param name="Form">How it is made of what the file has.</param>
/// <param name="Stored">
/// What it is made of, where it is not as it stands: the one matrix that is turned, or those of a gate and an up, of which one may be
/// missing.
/// </param>
internal sealed record MlxTensor(TensorEntry Entry, PeftTensorKey Key, MlxForm Form, params ImmutableArray<TensorEntry?> Stored);
