using System.Globalization;

namespace SLoRA.Formats.Mlx;

/// <summary>Where a module is in a model of MLX.</summary>
/// <param name="Prefix">What stands before its name within its layer, the dot included; empty if it is in none.</param>
/// <param name="Layer">Its layer; null if it is in none.</param>
/// <param name="Name">Its name within the layer; the whole name if it is in none.</param>
internal readonly record struct MlxPlace(string Prefix, int? Layer, string Name)
{
    private const string Layers = "layers.";

    /// <summary>Finds the layer in a module's name.</summary>
    public static MlxPlace Of(string module)
    {
        int start = module.StartsWith(Layers, StringComparison.Ordinal)
            ? 0
            : module.IndexOf("." + Layers, StringComparison.Ordinal) + 1;
        if (start > 0 || module.StartsWith(Layers, StringComparison.Ordinal))
        {
            int number = start + Layers.Length, dot = module.IndexOf('.', number);
            if (dot > 0
                && int.TryParse(module.AsSpan(number..dot), NumberStyles.None, CultureInfo.InvariantCulture, out int layer))
            {
                return new MlxPlace(module[..(dot + 1)], layer, module[(dot + 1)..]);
            }
        }

        return new MlxPlace("", null, module);
    }

    /// <summary>The end of a module's name that tells it from all others: from the layer on, which no wrapper changes.</summary>
    public string End => Layer is { } layer
        ? string.Create(CultureInfo.InvariantCulture, $"{Layers}{layer}.{Name}")
        : Name[(Name.LastIndexOf('.') + 1)..];
}
