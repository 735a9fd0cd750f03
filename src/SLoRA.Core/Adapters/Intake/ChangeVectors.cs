using SLoRA.Formats;
using SLoRA.Models;

namespace SLoRA.Adapters.Intake;

/// <summary>
/// Works out what multiplies the results of a module and what is added to them, of what an adapter has for it and of the base: with DoRA
/// <c>y = m ∘ (W x + scale · B A x) + b</c>, where m is magnitude / norm of the rows of W + scale · B A and b the bias that holds.
/// </summary>
/// <param name="baseWeights">The base weights.</param>
/// <param name="file">The adapter's file, for errors.</param>
internal readonly struct ChangeVectors(BaseReader baseWeights, string file)
{
    /// <summary>Adds factor and offset to what was read.</summary>
    /// <param name="change">What was read.</param>
    /// <param name="module">A and B of the module, if it has them.</param>
    /// <exception cref="FormatError">A norm is zero or too large, what would be added is, or the base cannot be read.</exception>
    public AdapterContentChange Complete(AdapterContentChange change, AdapterContentModule? module)
    {
        float[]? factor = change.Magnitude is null ? null : Factor(change.Magnitude, module!);
        float[]? offset = Offset(change, module, factor);
        for (int n = 0; n < offset?.Length; n++)
        {
            if (!float.IsFinite(offset[n]))
            {
                WeightMatrix read = change.LoraBias ?? change.Bias ?? change.Magnitude!;
                throw new FormatError(LoadErrorKind.Tensor, file, read.Name,
                    $"makes {offset[n]} of what is added to output {n} of {change.Target.Name}: it is too large");
            }
        }

        return change with { Factor = factor, Offset = offset };
    }

    private float[] Factor(WeightMatrix magnitude, AdapterContentModule module)
    {
        float[] factor = magnitude.Widened();
        float[] norms = DoraNorms.Of(module, baseWeights);
        for (int n = 0; n < factor.Length; n++)
        {
            factor[n] /= norms[n];
            if (!float.IsFinite(factor[n]) || !float.IsFinite(norms[n]))
            {
                throw new FormatError(LoadErrorKind.Tensor, file, magnitude.Name,
                    $"is divided by the norm {norms[n]} of row {n} of {module.Target.Name}, which gives no finite factor");
            }
        }

        return factor;
    }

    /// <summary>
    /// What the base adds is in the result already, and multiplied by the factor: <c>o = b' − f ∘ b</c>, where b' is the adapter's bias
    /// or else the base's own. A weight that is wholly the adapter's has no bias of the base in its result, but for a norm's.
    /// </summary>
    private float[]? Offset(AdapterContentChange change, AdapterContentModule? module, float[]? factor)
    {
        float[]? loraBias = change.LoraBias?.Widened();
        if (change.Bias is null && factor is null)
        {
            for (int n = 0; n < loraBias?.Length; n++)
            {
                loraBias[n] *= module!.Scale;
            }

            return loraBias;
        }

        bool isWhole = change.Rows is not null && change.Ids.IsEmpty && change.Target.Kind != TargetKind.Norm;
        float[]? own = isWhole || !change.Target.HasBias ? null : baseWeights.BiasOf(change.Target);
        float[]? offset = change.Bias?.Widened() ?? (float[]?)own?.Clone();
        for (int n = 0; n < offset?.Length; n++)
        {
            float ownAdded = own is null ? 0 : factor is null ? own[n] : factor[n] * own[n];
            offset[n] += (loraBias is null ? 0 : module!.Scale * loraBias[n]) - ownAdded;
        }

        return offset;
    }
}
