using System.Diagnostics.Metrics;

namespace SLoRA;

/// <summary>What the engine measures about itself for <c>System.Diagnostics.Metrics</c>.</summary>
public sealed class MetricsOptions
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "SLoRA.Engine";

    /// <summary>The name of the activity source that has one span for each request, when somebody listens.</summary>
    public const string ActivitySourceName = "SLoRA.Engine";

    /// <summary>The name of the activity source that has one span for each step, when somebody listens.</summary>
    public const string StepActivitySourceName = "SLoRA.Engine.Steps";

    /// <summary>The value of <c>gen_ai.request.model</c> for adapters beyond <see cref="MaxAdapterTags"/>.</summary>
    public const string OtherAdapters = "_OTHER";

    /// <summary>The name of all accounts beyond <see cref="MaxAccountTags"/> together.</summary>
    public const string OtherAccounts = "_OTHER";

    /// <summary>The base model's value of <c>gen_ai.request.model</c>; null takes the name of the model's folder.</summary>
    public string? ModelName { get; set; }

    /// <summary>Who makes the meter and disposes it; null for a meter of the engine's own.</summary>
    public IMeterFactory? MeterFactory { get; set; }

    /// <summary>
    /// How many adapters' names may become values of the tag <c>gen_ai.request.model</c>, the first that are used; the others are
    /// <see cref="OtherAdapters"/>. The default is 0: with thousands of adapters each name would be a series of its own, so the tag is the
    /// base model's name. At most 65,536.
    /// </summary>
    public int MaxAdapterTags { get; set; }

    /// <summary>
    /// How many accounts of a <see cref="SchedulingPolicy"/>, the first that come, are told of by name: in
    /// <see cref="EngineStatus.Accounts"/> and as values of the tag <c>slora.account</c>. The others are <see cref="OtherAccounts"/>. The
    /// default is 0, so that nobody's name gets out unasked; at most 65,536.
    /// </summary>
    public int MaxAccountTags { get; set; }

    /// <summary>The options as they stand now.</summary>
    internal MetricsOptions Copy() => (MetricsOptions)MemberwiseClone();
}
