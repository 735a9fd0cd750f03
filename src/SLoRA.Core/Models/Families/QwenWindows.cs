using SLoRA.Formats;

namespace SLoRA.Models.Families;

/// <summary>
/// The windows of Qwen 2 and 3: only if switched on, and without <c>layer_types</c> on the layers from <c>max_window_layers</c> on.
/// </summary>
internal static class QwenWindows
{
    private const int DefaultWindow = 4096;
    private const int DefaultFirstLayer = 28;

    /// <summary>The window of each layer.</summary>
    public static IEnumerable<int?> Read(ConfigObject config, int layers)
    {
        int? window = null;
        if (config.Bool("use_sliding_window", false))
        {
            window = config.Names("sliding_window") ? config.OptionalInt("sliding_window", 1, int.MaxValue) : DefaultWindow;
        }

        if (window is null)
        {
            LayerTypes.RequireAll(config, layers, sliding: false);
            return Enumerable.Repeat<int?>(null, layers);
        }

        if (LayerTypes.Read(config, layers) is { } types)
        {
            return types.Select(slides => slides ? window : null);
        }

        int first = config.OptionalInt("max_window_layers", 0, int.MaxValue) ?? DefaultFirstLayer;
        return Enumerable.Range(0, layers).Select(layer => layer >= first ? window : null);
    }
}
