namespace SLoRA;

/// <summary>The Cpu backend.</summary>
public sealed class CpuOptions
{
    /// <summary>
    /// Threads that compute, the engine's own included. At most 1024; null takes one per processor that the process may use.
    /// </summary>
    public int? Threads { get; set; }

    /// <summary>
    /// How the base model's matrices are kept in memory. Embedding table, norms, biases and adapters stay as they are stored.
    /// </summary>
    public CpuWeights Weights { get; set; } = CpuWeights.AsStored;

    /// <summary>
    /// How products with weights that are kept in 8 bits or fewer are computed. <see cref="CpuPrecision.Exact"/> needs
    /// <see cref="CpuWeights.AsStored"/>.
    /// </summary>
    public CpuPrecision Precision { get; set; } = CpuPrecision.Automatic;

    /// <summary>
    /// Whether the library may use machine code of its own for instructions that .NET does not expose. It changes no bit of a result;
    /// <see cref="BackendStatus.MachineCode"/> says what runs.
    /// </summary>
    public MachineCodeUse MachineCode { get; set; } = MachineCodeUse.Automatic;

    /// <summary>
    /// Whether packed matrices and embedding tables are kept in a file, which the next start maps, or reads where the model is used with
    /// <see cref="ModelAccess.Read"/>. It changes no bit of a result. A file that is damaged, or of another model, version or way of
    /// keeping weights is not used but replaced; <see cref="BackendStatus.PackedImage"/> says what became of it. Whoever can write it
    /// decides what is served, as with the model's own files.
    /// </summary>
    public PackedImageUse PackedImage { get; set; } = PackedImageUse.Off;

    /// <summary>
    /// The folder of that file; null for the folder of the model. It takes about as much room as the weights take in memory. Where it
    /// cannot be written the engine starts without, and logs a warning.
    /// </summary>
    public string? PackedImageFolder { get; set; }

    /// <summary>
    /// How many groups of threads share the model, each with its own part of the weights, the cache and the adapters: 1, 2, 4 or 8. Results
    /// have the same bits for any number; for files with blocks of fewer than 8 bits with <see cref="CpuPrecision.Exact"/>, since several
    /// groups widen them; with <see cref="CpuWeights.Int8"/> and <see cref="CpuWeights.Int4"/> where the heads have whole groups of 64
    /// columns and the feed-forward block has 256 at least: in smaller models weights are rounded in other groups. Each group of threads
    /// has <see cref="Threads"/> divided by their number, at least one.
    /// </summary>
    public int Shards { get; set; } = 1;

    /// <summary>
    /// Whether threads of shards stay on the processors of one memory node each. It changes no bit of a result;
    /// <see cref="BackendStatus.Placement"/> says where they run.
    /// </summary>
    public CpuPlacement Placement { get; set; } = CpuPlacement.Automatic;
}
