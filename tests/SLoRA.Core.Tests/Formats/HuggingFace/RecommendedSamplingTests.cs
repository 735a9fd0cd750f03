using System.Text;
using NUnit.Framework;
using SLoRA.Formats;
using SLoRA.Formats.HuggingFace;

namespace SLoRA.Core.Tests.Formats.HuggingFace;

[Parallelizable(ParallelScope.All)]
internal sealed class RecommendedSamplingTests
{
    private static readonly SamplingOptions Greedy = SamplingOptions.Greedy;

    private static readonly (string Json, SamplingOptions Expected)[] Cases =
    [
        ("{}", Greedy),
        ("""{"do_sample":true}""", Greedy with { Temperature = 1 }),
        ("""{"do_sample":true,"temperature":0.6,"top_p":0.9}""", Greedy with { Temperature = 0.6f, TopP = 0.9f }),
        ("""{"temperature":0.7,"top_k":20,"top_p":0.8,"repetition_penalty":1.05}""",
            Greedy with { Temperature = 0.7f, TopK = 20, TopP = 0.8f, RepetitionPenalty = 1.05f }),
        ("""{"do_sample":false,"temperature":0.7,"repetition_penalty":1.1}""", Greedy with { RepetitionPenalty = 1.1f }),
        ("""{"do_sample":null,"min_p":0.05}""", Greedy with { Temperature = 1, MinP = 0.05f }),
        ("""{"temperature":0}""", Greedy),
        ("""{"do_sample":true,"top_k":-1}""", Greedy with { Temperature = 1 }),
    ];

    [TestCaseSource(nameof(Cases))]
    public void What_the_authors_say_becomes_options((string Json, SamplingOptions Expected) each)
    {
        (SamplingOptions sampling, List<string> refused) = Read(each.Json);
        Assert.That(sampling, Is.EqualTo(each.Expected));
        Assert.That(refused, Is.Empty);
        Assert.That(() => sampling.Validate(10), Throws.Nothing);
    }

    [TestCase("temperature", "-1")]
    [TestCase("temperature", "\"hot\"")]
    [TestCase("top_k", "-5")]
    [TestCase("top_p", "0")]
    [TestCase("top_p", "1.5")]
    [TestCase("min_p", "2")]
    [TestCase("repetition_penalty", "0")]
    public void A_value_that_cannot_be_is_left_out_and_named(string key, string value)
    {
        (SamplingOptions sampling, List<string> refused) = Read($$"""{"do_sample":false,"{{key}}":{{value}}}""");
        Assert.That(sampling, Is.EqualTo(Greedy));
        Assert.That(refused, Is.EqualTo(new[] { key }));
    }

    private static (SamplingOptions Sampling, List<string> Refused) Read(string json)
    {
        var refused = new List<string>();
        return (RecommendedSampling.Read(ConfigDocument.Parse(Encoding.UTF8.GetBytes(json), "test.json"), refused), refused);
    }
}
