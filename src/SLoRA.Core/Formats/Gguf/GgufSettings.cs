using System.Collections.Immutable;
using System.Text.Json;

namespace SLoRA.Formats.Gguf;

/// <summary>Writes settings of a class of Hugging Face that only some architectures have, from the keys of a file.</summary>
/// <param name="config">What all architectures have.</param>
/// <param name="metadata">The keys.</param>
/// <param name="writer">Where settings go.</param>
/// <param name="hasTensor">Whether the file has a tensor.</param>
internal sealed class GgufSettings(GgufConfig config, GgufMetadata metadata, Utf8JsonWriter writer, Func<string, bool> hasTensor)
{
    private const double Largest = 1e30;
    private const int LargestInteger = 1 << 30;

    /// <summary>Layers.</summary>
    public int Layers => config.Layers;

    /// <summary>Width of the residual stream.</summary>
    public int Hidden => config.Hidden;

    /// <summary>Query heads.</summary>
    public int Heads => config.Heads;

    /// <summary>Columns of a head.</summary>
    public int HeadDim => config.HeadDim;

    /// <summary>Tokens.</summary>
    public int Vocabulary => config.Vocabulary;

    /// <summary>Whether a layer has the window.</summary>
    public bool HasWindow(int layer) => config.HasWindow(layer);

    /// <summary>Whether a layer shares keys and values of an earlier one.</summary>
    public bool SharesKeys(int layer) => config.SharesKeys(layer);

    /// <summary>Width of feed-forward blocks; 0 where there are none.</summary>
    public int Width => config.Width ?? 0;

    /// <summary>Whether the file has a tensor.</summary>
    public bool Has(string tensor) => hasTensor(tensor);

    /// <summary>Whether any layer has a tensor.</summary>
    public bool HasAny(string tensor) => Enumerable.Range(0, Layers).Any(layer => Has($"blk.{layer}.{tensor}"));

    /// <summary>A flag of the file.</summary>
    public bool Is(string key, bool otherwise) => metadata.OptionalBool(Key(key)) ?? otherwise;

    /// <summary>A whole number divided by another, which must leave nothing.</summary>
    public GgufSettings Quotient(string setting, string key, int divisor)
    {
        int value = (int)metadata.Integer(Key(key), 1, LargestInteger);
        return value % Math.Max(divisor, 1) == 0
            ? Count(setting, value / Math.Max(divisor, 1))
            : throw metadata.Refusal(Key(key), $"is {value}, no multiple of {divisor}");
    }

    /// <summary>A whole number of the file; null where it has none.</summary>
    public int? Read(string key) => (int?)metadata.OptionalInteger(Key(key), 0, LargestInteger);

    /// <summary>A whole number as it is, 0 too.</summary>
    public GgufSettings Count(string setting, string key, int otherwise) => Count(setting, Read(key) ?? otherwise);

    /// <summary>A whole number that follows from others.</summary>
    public GgufSettings Count(string setting, int value)
    {
        writer.WriteNumber(setting, value);
        return this;
    }

    /// <summary>A flag of the file; what is given where it has none.</summary>
    public GgufSettings Flag(string setting, string key, bool otherwise) => Flag(setting, metadata.OptionalBool(Key(key)) ?? otherwise);

    /// <summary>A number times another; nothing where the file has none.</summary>
    public GgufSettings Product(string setting, string key, double factor) =>
        metadata.OptionalNumber(Key(key), -Largest, Largest) is { } value ? Number(setting, value * factor) : this;

    /// <summary>Refuses a file whose experts are scored otherwise.</summary>
    /// <param name="function">What the key says: 1 for softmax, 2 for sigmoid.</param>
    /// <param name="otherwise">What a file means that does not say.</param>
    public GgufSettings Scores(int function, int otherwise)
    {
        const string Name = "expert_gating_func";
        int stated = Read(Name) is { } read and not 0 ? read : otherwise;
        return stated == function
            ? this
            : throw metadata.Refusal(Key(Name), $"is {metadata.Shown(Key(Name))}, which means {stated}; served is {function}");
    }

    /// <summary>What each layer is.</summary>
    public GgufSettings Kinds(string setting, Func<int, string> kind)
    {
        writer.WriteStartArray(setting);
        for (int layer = 0; layer < Layers; layer++)
        {
            writer.WriteStringValue(kind(layer));
        }

        writer.WriteEndArray();
        return this;
    }

    /// <summary>Which layers have the window, where the file says it; nothing where it does not.</summary>
    public GgufSettings WindowedLayers()
    {
        const string Name = "attention.sliding_window_pattern";
        if (!metadata.IsList(Key(Name)))
        {
            return Read(Name) is { } every and > 0
                ? Kinds("layer_types", layer => (layer + 1) % every == 0 ? "full_attention" : "sliding_attention")
                : this;
        }

        ImmutableArray<bool> windowed = metadata.OptionalBools(Key(Name))!.Value;
        return windowed.Length >= Layers
            ? Kinds("layer_types", layer => windowed[layer] ? "sliding_attention" : "full_attention")
            : throw metadata.Error(Key(Name), $"has {windowed.Length} entries; there are {Layers} layers");
    }

    /// <summary>A whole number of each layer.</summary>
    public ImmutableArray<int> EachLayer(string key) => config.ReadLayerIntegers(key, LargestInteger);

    /// <summary>A whole number; null where it is 0, and where the file has none and nothing else is given.</summary>
    public GgufSettings Integer(string setting, string key, int? otherwise = null)
    {
        if ((metadata.OptionalInteger(Key(key), 0, LargestInteger) ?? otherwise) is { } value and not 0)
        {
            writer.WriteNumber(setting, value);
        }
        else
        {
            writer.WriteNull(setting);
        }

        return this;
    }

    /// <summary>A number; what is given, or nothing, where the file has none.</summary>
    public GgufSettings Number(string setting, string key, double? otherwise) =>
        (metadata.OptionalNumber(Key(key), -Largest, Largest) ?? otherwise) is { } value ? Number(setting, value) : this;

    /// <summary>A number that follows from others.</summary>
    public GgufSettings Number(string setting, double value)
    {
        writer.WriteNumber(setting, value);
        return this;
    }

    /// <summary>A text.</summary>
    public GgufSettings Text(string setting, string value)
    {
        writer.WriteString(setting, value);
        return this;
    }

    /// <summary>A flag.</summary>
    public GgufSettings Flag(string setting, bool value)
    {
        writer.WriteBoolean(setting, value);
        return this;
    }

    /// <summary>The layers that lack a tensor.</summary>
    public GgufSettings LayersWithout(string setting, string tensor)
    {
        writer.WriteStartArray(setting);
        for (int layer = 0; layer < Layers; layer++)
        {
            if (!hasTensor($"blk.{layer}.{tensor}"))
            {
                writer.WriteNumberValue(layer);
            }
        }

        writer.WriteEndArray();
        return this;
    }

    private string Key(string name) => $"{config.Architecture.Name}.{name}";
}
