namespace SLoRA.Hosting;

/// <summary>
/// What a host says of its engine, in code or in its configuration. Checked when the host starts; what is not named here says
/// <see cref="SLoRABuilder.ConfigureEngine"/>.
/// </summary>
public sealed class SLoRAOptions
{
    /// <summary>The base model's folder, as <see cref="LoraServingEngineBuilder.UseModel"/> takes it. Required.</summary>
    public string Model { get; set; } = "";

    /// <summary>The base model's name for those who ask for it; null takes the name of its folder.</summary>
    public string? ModelName { get; set; }

    /// <summary>Whether its files are mapped or read.</summary>
    public ModelAccess ModelAccess { get; set; }

    /// <summary>What computes: <c>Cpu</c> (the default), <c>Gpu</c> or <c>Reference</c>.</summary>
    public string Backend { get; set; } = "Cpu";

    /// <summary>The processor's options, for the backend <c>Cpu</c>.</summary>
    public CpuOptions Cpu { get; } = new();

    /// <summary>The device's options, for the backend <c>Gpu</c>.</summary>
    public GpuOptions Gpu { get; } = new();

    /// <summary>Size and types of the page pool.</summary>
    public PoolOptions Pool { get; } = new();

    /// <summary>How much the engine takes on at once.</summary>
    public SchedulingOptions Scheduling { get; } = new();

    /// <summary>How adapters come from disk into the pool.</summary>
    public AdapterCacheOptions AdapterCache { get; } = new();

    /// <summary>What the engine measures about itself.</summary>
    public MetricsOptions Metrics { get; } = new();

    /// <summary>The adapters that are registered at the start: name to PEFT folder.</summary>
    public Dictionary<string, string> Adapters { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Whether the host goes on starting while the model is loaded: requests fail with <see cref="EngineNotReadyException"/> until it is
    /// there, and a model that cannot be loaded stops the host. False unless set: starting waits for the model.
    /// </summary>
    public bool LoadInBackground { get; set; }

    /// <summary>Whether a token is generated before the first request, so that this one finds everything compiled and touched. True unless
    /// set.</summary>
    public bool WarmUp { get; set; } = true;

    /// <summary>
    /// How long requests may take to their end when the host stops; then what is left is ended. Not negative, at most a day; 20 seconds
    /// unless set. The host's own limit for stopping (<c>HostOptions.ShutdownTimeout</c>) ends it earlier.
    /// </summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How long the engine's loop may take to answer before it counts as dead: more than the longest step. Positive, at most a day; 30
    /// seconds unless set.
    /// </summary>
    public TimeSpan LiveTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The host counts as ready while fewer requests than this wait; at least 1. Null takes <see cref="SchedulingOptions.MaxWaiting"/>, at
    /// which requests are refused.
    /// </summary>
    public int? ReadyWaiting { get; set; }
}
