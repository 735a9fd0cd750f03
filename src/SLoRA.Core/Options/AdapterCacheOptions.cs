namespace SLoRA;

/// <summary>How adapters come from disk into the page pool, and how much of them is kept in between.</summary>
public sealed class AdapterCacheOptions
{
    /// <summary>
    /// Bytes of main memory, beside the page pool, for the content of adapters. Beyond it there is only what the request needs that is to
    /// be admitted next, what is pinned, and what could not be had again: tensors that the program handed in, and contents without a name
    /// that requests still hold. Each of the <see cref="MaxConcurrentLoads"/> readings takes the bytes of its file besides. The default is
    /// 4 GiB.
    /// </summary>
    public long HostBytes { get; set; } = 4L << 30;

    /// <summary>
    /// The most adapters that are read at the same time, each on a thread of its own. One that gets nothing for a second, from a disk or
    /// the adapter source, does not count until something comes. At most 256; the default is 4.
    /// </summary>
    public int MaxConcurrentLoads { get; set; } = 4;

    /// <summary>
    /// How long reading one adapter may take; then the requests that wait for it fail. What the reading is made to wait beside steps
    /// (<see cref="PageInShare"/>) does not count. Positive, and less than 49 days; the default is 30 seconds.
    /// </summary>
    public TimeSpan LoadTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The share of a step's time that copying adapters into the page pool may take while other sequences compute, and again that reading,
    /// hashing and packing them may take of one processor; above 0 and at most 1. The default is 0.1.
    /// </summary>
    public double PageInShare { get; set; } = 0.1;

    /// <summary>
    /// What happens when an adapter that has to be read again is not what it was. The default is <see cref="ChangedContent.Refuse"/>.
    /// </summary>
    public ChangedContent ChangedContent { get; set; }

    /// <summary>
    /// Whether an adapter is served that changes nothing, because the scale is zero or A or B is zero in all of its modules: it answers as
    /// the base model does. False by default: it is refused with an <see cref="AdapterLoadException"/>. Single modules without effect are
    /// named by <see cref="AdapterCoverage.ModulesWithoutEffect"/>.
    /// </summary>
    public bool AllowWithoutEffect { get; set; }

    /// <summary>
    /// The most names kept that the adapter source brought. Beyond it, the one used longest ago is forgotten, and asked for again when it
    /// is needed. At most 10,000,000; the default is 16384.
    /// </summary>
    public int MaxSourceNames { get; set; } = 16384;

    /// <summary>
    /// The most tokens that an adapter may have beyond those of the model: adapters that were trained with added tokens bring rows of
    /// embedding and head for them, and their requests may use them. Logits have room for so many more. At most 1,048,576; the default is
    /// 1024.
    /// </summary>
    public int MaxAddedTokens { get; set; } = 1024;

    /// <summary>The options as they stand now.</summary>
    internal AdapterCacheOptions Copy() => (AdapterCacheOptions)MemberwiseClone();
}
