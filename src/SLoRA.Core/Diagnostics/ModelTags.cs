namespace SLoRA.Diagnostics;

/// <summary>
/// The tags of what is measured about one request, made once for each value of <c>gen_ai.request.model</c>. Belongs to the engine's thread.
/// </summary>
/// <param name="baseModel">The base model's name.</param>
/// <param name="maxAdapters">Adapters that may have a value of their own.</param>
internal sealed class ModelTags(string baseModel, int maxAdapters)
{
    private readonly Dictionary<string, KeyValuePair<string, object?>[]> _adapters = new(StringComparer.Ordinal);
    private readonly KeyValuePair<string, object?>[] _base = Make(baseModel);
    private readonly KeyValuePair<string, object?>[] _others = Make(MetricsOptions.OtherAdapters);

    /// <summary>The tags of a request; those of its first adapter, if it has any.</summary>
    public ReadOnlySpan<KeyValuePair<string, object?>> Of(GenerationRequest request)
    {
        string? adapter = request.Adapter ?? (request.Adapters.Count > 0 ? request.Adapters[0].Name : null);
        if (adapter is null || maxAdapters == 0)
        {
            return _base;
        }

        if (_adapters.TryGetValue(adapter, out KeyValuePair<string, object?>[]? tags))
        {
            return tags;
        }

        return _adapters.Count < maxAdapters ? _adapters[adapter] = Make(adapter) : _others;
    }

    private static KeyValuePair<string, object?>[] Make(string model) =>
    [
        new("gen_ai.operation.name", "text_completion"),
        new("gen_ai.provider.name", "slora"),
        new("gen_ai.request.model", model),
    ];
}
