using System.Collections.Immutable;

namespace SLoRA.Backends.Reference;

/// <summary>The weights of every expert, widened to fp32: for each expert its parts.</summary>
internal sealed class ReferenceExperts : DeviceExperts
{
    private readonly ImmutableArray<ImmutableArray<ReferenceMatrix>> _parts;

    public ReferenceExperts(ExpertSources sources)
        : base(sources.Experts, sources.Outputs, sources.Inputs)
    {
        var experts = ImmutableArray.CreateBuilder<ImmutableArray<ReferenceMatrix>>(sources.Experts);
        for (int expert = 0; expert < sources.Experts; expert++)
        {
            var parts = ImmutableArray.CreateBuilder<ReferenceMatrix>(sources.PartOutputs.Length);
            for (int part = 0; part < sources.PartOutputs.Length; part++)
            {
                WeightSource source = sources.Source(expert, part);
                parts.Add(new ReferenceMatrix(source.Rows, source.Columns, source.Widened()));
            }

            experts.Add(parts.MoveToImmutable());
        }

        _parts = experts.MoveToImmutable();
    }

    /// <summary>Row <paramref name="output"/> of an expert's matrix.</summary>
    public ReadOnlySpan<float> Row(int expert, int output)
    {
        foreach (ReferenceMatrix part in _parts[expert])
        {
            if (output < part.Outputs)
            {
                return part.Row(output);
            }

            output -= part.Outputs;
        }

        throw new ArgumentOutOfRangeException(nameof(output));
    }
}
