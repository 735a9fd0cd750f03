namespace SLoRA.Core.Tests.Backends.Gpu.Ptx;

/// <summary>A kernel's text, taken apart.</summary>
internal sealed class PtxKernel
{
    /// <summary>Its parameters, by name: where they begin in <see cref="ParameterBytes"/>.</summary>
    public Dictionary<string, int> Parameters { get; } = [];

    /// <summary>Where each parameter begins, in order.</summary>
    public List<int> ParameterPlaces { get; } = [];

    /// <summary>Bytes of all parameters.</summary>
    public int ParameterBytes { get; set; }

    /// <summary>Variables in shared memory: where they begin.</summary>
    public Dictionary<string, int> Shared { get; } = [];

    /// <summary>Bytes of shared memory.</summary>
    public int SharedBytes { get; set; }

    /// <summary>Instructions, in order.</summary>
    public List<PtxInstruction> Instructions { get; } = [];

    /// <summary>How many registers there are.</summary>
    public int Registers { get; set; }
}
