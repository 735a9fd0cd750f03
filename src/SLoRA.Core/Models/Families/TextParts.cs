using System.Collections.Frozen;
using System.Collections.Immutable;
using SLoRA.Errors;
using SLoRA.Formats;

namespace SLoRA.Models.Families;

/// <summary>
/// Models for images or sound beside text, whose language model is served by itself: their settings of text lie under <c>text_config</c>,
/// and the modules of text under <c>model.language_model.</c>
/// </summary>
internal static class TextParts
{
    /// <summary>What stands before the names of the language model's modules but the head.</summary>
    public const string Body = "model.language_model.";

    private const string Text = "text_config";
    private const string OlderBody = "language_model.model.";
    private const string OlderHead = "language_model.lm_head.";
    private const string Head = "lm_head.";

    // Where the settings of text leave these out, those beside them hold.
    private static readonly ImmutableArray<string> Shared = ["dtype", "torch_dtype", "tie_word_embeddings", "eos_token_id"];

    // Class → its model_type, and the model types that its text may have.
    private static readonly FrozenDictionary<string, (string Type, ImmutableArray<string> Texts)> ByArchitecture =
        new Dictionary<string, (string, ImmutableArray<string>)>
        {
            ["Gemma3ForConditionalGeneration"] = ("gemma3", ["gemma3_text"]),
            ["Gemma4ForConditionalGeneration"] = ("gemma4", ["gemma4_text"]),
            ["Llama4ForConditionalGeneration"] = ("llama4", ["llama4_text"]),
            ["Mistral3ForConditionalGeneration"] = ("mistral3", ["mistral", "ministral3"]),
            ["Qwen3_5ForConditionalGeneration"] = ("qwen3_5", ["qwen3_5_text"]),
            ["Qwen3_5MoeForConditionalGeneration"] = ("qwen3_5_moe", ["qwen3_5_moe_text"]),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The settings of the text of such a model; null for any other class.</summary>
    /// <exception cref="FormatError">The settings are missing, or of a text that this class does not have.</exception>
    public static ConfigObject? Of(ConfigObject config, string architecture)
    {
        if (!ByArchitecture.TryGetValue(architecture, out (string Type, ImmutableArray<string> Texts) known))
        {
            return null;
        }

        string type = config.String("model_type");
        if (type != known.Type)
        {
            throw config.Refusal("model_type", $"is {Shown.Name(type)}, but {architecture} is a {known.Type}");
        }

        UnservedFeatures.Refuse(config, [Text, "vision_config", "audio_config"]);
        ConfigObject text = config.OptionalObject(Text) ?? throw config.Error(Text, "is missing");
        string textType = text.String("model_type");
        return known.Texts.Contains(textType)
            ? text.OrElse(config, Shared)
            : throw text.Refusal(
                "model_type", $"is {Shown.Name(textType)}; the text of {architecture} is {string.Join(" or ", known.Texts)}");
    }

    /// <summary>
    /// The name that a stored tensor of such a model has as one of its language model's; null for tensors of its other parts. Older files
    /// have the two prefixes the other way round.
    /// </summary>
    public static string? NameOf(string stored) =>
        stored.StartsWith(Body, StringComparison.Ordinal) || stored.StartsWith(Head, StringComparison.Ordinal) ? stored
        : stored.StartsWith(OlderBody, StringComparison.Ordinal) ? Body + stored[OlderBody.Length..]
        : stored.StartsWith(OlderHead, StringComparison.Ordinal) ? Head + stored[OlderHead.Length..]
        : null;
}
