using System.Text.Json;
using SLoRA.Errors;

namespace SLoRA.Formats.Gguf;

/// <summary>Writes what the metadata of a model says about its rotation as the settings of one in Hugging Face's form.</summary>
/// <param name="architecture">The architecture.</param>
/// <param name="metadata">The keys.</param>
/// <param name="share">The part of a head that rotates.</param>
internal sealed class GgufRope(GgufArchitecture architecture, GgufMetadata metadata, double share)
{
    private const double Largest = 1e30;

    private double Theta => Number("rope.freq_base", double.Epsilon) ?? 10000;

    /// <summary>Writes them.</summary>
    public void Write(Utf8JsonWriter writer, GgufSettings settings)
    {
        if (architecture.HasLocalRope)
        {
            WriteKinds(writer, settings);
            return;
        }

        writer.WriteStartObject("rope_parameters");
        WriteKind(writer, settings);
        writer.WriteEndObject();
    }

    /// <summary>Windowed layers have a rotation of their own, without scaling.</summary>
    private void WriteKinds(Utf8JsonWriter writer, GgufSettings settings)
    {
        writer.WriteStartObject("rope_parameters");
        writer.WriteStartObject("full_attention");
        WriteKind(writer, settings);
        writer.WriteEndObject();
        writer.WriteStartObject("sliding_attention");
        writer.WriteString("rope_type", "default");
        writer.WriteNumber("rope_theta", Number("rope.freq_base_swa", double.Epsilon) ?? architecture.LocalTheta ?? Theta);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private void WriteKind(Utf8JsonWriter writer, GgufSettings settings)
    {
        if (architecture.RotatesPart)
        {
            writer.WriteNumber("partial_rotary_factor", share);
        }

        writer.WriteNumber("rope_theta", Theta);
        if (architecture.HasWindowedHeads)
        {
            writer.WriteString("rope_type", "proportional");
            writer.WriteNumber("partial_rotary_factor", share);
            return;
        }

        architecture.WriteRope?.Invoke(settings);
        double factor = Number("rope.scaling.factor", 0) ?? Number("rope.scale_linear", 0) ?? 0;
        // As llama.cpp has it: a factor without a type is linear, and 0 is none.
        string type = metadata.OptionalText(Key("rope.scaling.type")) ?? "linear";
        switch (type)
        {
            case "none":
            case "linear" when factor is 0 or 1:
                writer.WriteString("rope_type", "default");
                break;
            case "linear":
                writer.WriteString("rope_type", "linear");
                writer.WriteNumber("factor", factor);
                break;
            case "yarn":
                writer.WriteString("rope_type", "yarn");
                writer.WriteNumber("factor", metadata.Number(Key("rope.scaling.factor"), double.Epsilon, Largest));
                WriteOptional("original_max_position_embeddings", metadata.OptionalInteger(
                    Key("rope.scaling.original_context_length"), 1, int.MaxValue));
                WriteOptional("beta_fast", Number("rope.scaling.yarn_beta_fast", double.Epsilon));
                WriteOptional("beta_slow", Number("rope.scaling.yarn_beta_slow", double.Epsilon));
                break;
            case "longrope":
                throw metadata.Refusal(Key("rope.scaling.type"), "is 'longrope', which is not served");
            default:
                throw metadata.Error(Key("rope.scaling.type"), $"is {Shown.Name(type)}, expected none, linear or yarn");
        }

        void WriteOptional(string key, double? value)
        {
            if (value is { } number)
            {
                writer.WriteNumber(key, number);
            }
        }
    }

    private string Key(string name) => $"{architecture.Name}.{name}";

    private double? Number(string name, double smallest) => metadata.OptionalNumber(Key(name), smallest, Largest);
}
