namespace SLoRA.Backends.Cpu;

/// <summary>The packed weights of one product of every expert of a layer: a matrix for each expert and part.</summary>
internal sealed class CpuExperts : DeviceExperts
{
    private readonly CpuMatrix[] _matrices;

    /// <summary>Packs them.</summary>
    public CpuExperts(ExpertSources sources, PackedWeights weights)
        : base(sources.Experts, sources.Outputs, sources.Inputs)
    {
        Parts = sources.PartOutputs.Length;
        PartOutputs = sources.PartOutputs[0];
        _matrices = new CpuMatrix[sources.Experts * Parts];
        for (int i = 0; i < _matrices.Length; i++)
        {
            _matrices[i] = weights.Matrix(sources.Source(i / Parts, i % Parts));
        }

        Panels = _matrices[0].Panels;
        PanelBytes = _matrices.Max(matrix => matrix.PanelBytes);
    }

    /// <summary>Parts of an expert, side by side.</summary>
    public int Parts { get; }

    /// <summary>Outputs of a part.</summary>
    public int PartOutputs { get; }

    /// <summary>Panels of a part.</summary>
    public int Panels { get; }

    /// <summary>Bytes of a panel, of the largest where formats differ.</summary>
    public nint PanelBytes { get; }

    /// <summary>The matrix of an expert's part.</summary>
    public CpuMatrix Matrix(int expert, int part) => _matrices[(expert * Parts) + part];

    /// <summary>Whether a matrix reads inputs quantized in groups of this size.</summary>
    public bool Reads(int groupInputs)
    {
        foreach (CpuMatrix matrix in _matrices)
        {
            if (matrix.Packing.GroupInputs == groupInputs)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether one of those reads the sums of groups as well.</summary>
    public bool ReadsSums(int groupInputs)
    {
        foreach (CpuMatrix matrix in _matrices)
        {
            if (matrix.Packing.GroupInputs == groupInputs && matrix.Packing.NeedsSums)
            {
                return true;
            }
        }

        return false;
    }
}
