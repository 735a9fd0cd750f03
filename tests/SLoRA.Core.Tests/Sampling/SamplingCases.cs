using System.Globalization;
using System.Text.Json;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Sampling;

/// <summary>The cases of tests/fixtures/sampling.json: logits and settings, and the probabilities they must give.</summary>
internal static class SamplingCases
{
    public static IEnumerable<TestCaseData> All()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(PathOfFile()));
        foreach (JsonElement item in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            var sampled = new SamplingCase(
                OptionsOf(item.GetProperty("settings")),
                [.. item.GetProperty("prompt").EnumerateArray().Select(token => token.GetInt32())],
                [.. item.GetProperty("generated").EnumerateArray().Select(token => token.GetInt32())],
                [.. item.GetProperty("logits").EnumerateArray().Select(NumberOf)],
                [.. item.GetProperty("probabilities").EnumerateArray().Select(NumberOf)]);
            yield return new TestCaseData(sampled).SetArgDisplayNames(item.GetProperty("name").GetString()!);
        }
    }

    private static SamplingOptions OptionsOf(JsonElement settings)
    {
        SamplingOptions options = new() { Temperature = 1 };
        foreach (JsonProperty setting in settings.EnumerateObject())
        {
            options = setting.Name switch
            {
                "temperature" => options with { Temperature = setting.Value.GetSingle() },
                "top_k" => options with { TopK = setting.Value.GetInt32() },
                "top_p" => options with { TopP = setting.Value.GetSingle() },
                "min_p" => options with { MinP = setting.Value.GetSingle() },
                "repetition_penalty" => options with { RepetitionPenalty = setting.Value.GetSingle() },
                "presence_penalty" => options with { PresencePenalty = setting.Value.GetSingle() },
                "frequency_penalty" => options with { FrequencyPenalty = setting.Value.GetSingle() },
                "logit_bias" => options with { LogitBias = BiasOf(setting.Value) },
                _ => throw new InvalidDataException($"The setting {setting.Name} is unknown."),
            };
        }

        return options;
    }

    private static Dictionary<int, float> BiasOf(JsonElement bias) => bias.EnumerateObject()
        .ToDictionary(entry => int.Parse(entry.Name, CultureInfo.InvariantCulture), entry => entry.Value.GetSingle());

    private static double NumberOf(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetDouble()
        : value.GetString() == "-Infinity" ? double.NegativeInfinity
        : throw new InvalidDataException($"{value} is no number.");

    private static string PathOfFile()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "SLoRA.Core.sln")))
        {
            folder = folder.Parent;
        }

        string root = folder?.FullName ?? throw new DirectoryNotFoundException("No folder above the tests holds SLoRA.Core.sln.");
        return Path.Combine(root, "tests", "fixtures", "sampling.json");
    }
}
