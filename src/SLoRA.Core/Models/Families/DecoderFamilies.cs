using System.Collections.Frozen;
using SLoRA.Errors;
using SLoRA.Formats;
using SLoRA.Models.Blocks;

namespace SLoRA.Models.Families;

/// <summary>The families that are served. A new one is a file of this folder and a line here.</summary>
internal static class DecoderFamilies
{
    private static readonly FrozenDictionary<string, DecoderFamily> ByArchitecture =
        new[]
            {
                LlamaFamily.Family, MistralFamily.Family, Qwen2Family.Family, Qwen3Family.Family,
                MixtralFamily.Family, Qwen2MoeFamily.Family, Qwen3MoeFamily.Family, GptOssFamily.Family, DeepseekV3Family.Family,
                Glm4MoeLiteFamily.Family, OlmoeFamily.Family, MiniMaxM2Family.Family, Glm4MoeFamily.Family, Ernie45MoeFamily.Family,
                Llama4Family.Family,
                GemmaFamily.Family, Gemma2Family.Family, Gemma3Family.Family, Phi3Family.Family, Olmo2Family.Family, Olmo3Family.Family,
                GraniteFamily.Family, SmolLm3Family.Family, Glm4Family.Family, Cohere2Family.Family, Starcoder2Family.Family,
                Ministral3Family.Family, SeedOssFamily.Family, Exaone4Family.Family, Ernie45Family.Family, ApertusFamily.Family,
                HunyuanFamily.Family, NemotronFamily.Family, Lfm2Family.Family, Gemma4Family.Family,
                Lfm2MoeFamily.Family, Qwen35Family.Family, Qwen35MoeFamily.Family, Qwen3NextFamily.Family,
                GraniteHybridFamily.Family, FalconH1Family.Family, NemotronHFamily.Family,
            }
            .ToFrozenDictionary(family => family.Architecture, StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, DecoderFamily> ByModelType =
        ByArchitecture.Values.ToFrozenDictionary(family => family.ModelType, StringComparer.Ordinal);

    /// <summary>Describes the decoder of a configuration.</summary>
    /// <exception cref="FormatError">The configuration is incomplete or impossible, or asks for something that is not served.</exception>
    public static DecoderDescription Describe(ConfigObject config)
    {
        string type = config.String("model_type");
        if (config.OptionalStrings("architectures") is not [string architecture, ..])
        {
            throw config.Error("architectures", "names no class");
        }

        if (TextParts.Of(config, architecture) is { } text)
        {
            return DescribeText(text) with { Body = TextParts.Body, IsTextPart = true };
        }

        if (!ByArchitecture.TryGetValue(architecture, out DecoderFamily? family))
        {
            throw config.Refusal(
                "architectures", $"is {Shown.Name(architecture)}, which is not served; served are "
                + $"{string.Join(", ", ByArchitecture.Keys.Order(StringComparer.Ordinal))}");
        }

        if (type != family.ModelType)
        {
            throw config.Refusal("model_type", $"is {Shown.Name(type)}, but {architecture} is a {family.ModelType}");
        }

        UnservedFeatures.Refuse(config, family.Reads);
        return family.Describe(config);
    }

    private static DecoderDescription DescribeText(ConfigObject text)
    {
        string type = text.String("model_type");
        if (!ByModelType.TryGetValue(type, out DecoderFamily? family))
        {
            throw text.Refusal("model_type", $"is {Shown.Name(type)}, which is not served");
        }

        UnservedFeatures.Refuse(text, family.Reads);
        return family.Describe(text);
    }
}
