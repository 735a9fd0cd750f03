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
