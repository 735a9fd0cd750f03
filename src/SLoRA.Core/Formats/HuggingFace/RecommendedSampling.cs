namespace SLoRA.Formats.HuggingFace;

/// <summary>
/// How a model's authors recommend to choose tokens, by generation_config.json. As transformers does: <c>do_sample</c> decides whether
/// there is chance at all. Where it is left out, values that only matter with chance say that there is to be some.
/// </summary>
internal static class RecommendedSampling
{
    /// <summary>Reads the recommendation. A value that cannot be is left out of it, and never keeps a model from being served.</summary>
    /// <param name="config">The root of generation_config.json.</param>
    /// <param name="refused">Receives the keys whose values cannot be.</param>
    public static SamplingOptions Read(ConfigObject config, ICollection<string> refused)
    {
        double? temperature = Number("temperature", 0, float.MaxValue);
        // −1 is how some write that it is off.
        double? topK = Number("top_k", -1, int.MaxValue);
        double? topP = Number("top_p", double.Epsilon, 1);
        double? minP = Number("min_p", 0, 1);
        double? penalty = Number("repetition_penalty", double.Epsilon, float.MaxValue);
        var sampling = new SamplingOptions { RepetitionPenalty = (float)(penalty ?? 1) };
        bool hasChance = config.KindOf("do_sample") switch
        {
            System.Text.Json.JsonValueKind.True => true,
            System.Text.Json.JsonValueKind.False => false,
            _ => (temperature ?? topK ?? topP ?? minP) is not null,
        };
        return hasChance
            ? sampling with
            {
                Temperature = (float)(temperature ?? 1),
                TopK = (int)Math.Max(topK ?? 0, 0),
                TopP = (float)(topP ?? 1),
                MinP = (float)(minP ?? 0),
            }
            : sampling;

        double? Number(string key, double smallest, double largest)
        {
            try
            {
                return config.OptionalNumber(key, smallest, largest);
            }
            catch (FormatError)
            {
                refused.Add(key);
                return null;
            }
        }
    }
}
