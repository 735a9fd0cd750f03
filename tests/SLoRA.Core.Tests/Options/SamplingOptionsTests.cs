using System.Globalization;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Options;

[TestFixture, Parallelizable(ParallelScope.All)]
internal sealed class SamplingOptionsTests
{
    private const int Vocabulary = 100;

    private static IEnumerable<TestCaseData> Refused()
    {
        SamplingOptions o = new();
        return
        [
            Case(o with { Temperature = -0.1f }, "Temperature", "-0.1"),
            Case(o with { Temperature = float.NaN }, "Temperature", "NaN"),
            Case(o with { Temperature = float.PositiveInfinity }, "Temperature", "Infinity"),
            Case(o with { TopK = -1 }, "TopK", "-1"),
            Case(o with { TopP = 0 }, "TopP", "0"),
            Case(o with { TopP = 1.01f }, "TopP", "1.01"),
            Case(o with { TopP = float.NaN }, "TopP", "NaN"),
            Case(o with { MinP = -0.01f }, "MinP", "-0.01"),
            Case(o with { MinP = 1.5f }, "MinP", "1.5"),
            Case(o with { MinP = float.NaN }, "MinP", "NaN"),
            Case(o with { RepetitionPenalty = 0 }, "RepetitionPenalty", "0"),
            Case(o with { RepetitionPenalty = -1.5f }, "RepetitionPenalty", "-1.5"),
            Case(o with { RepetitionPenalty = float.PositiveInfinity }, "RepetitionPenalty", "Infinity"),
            Case(o with { PresencePenalty = float.NaN }, "PresencePenalty", "NaN"),
            Case(o with { FrequencyPenalty = float.NegativeInfinity }, "FrequencyPenalty", "-Infinity"),
            Case(o with { LogitBias = new Dictionary<int, float> { [100] = 1 } }, "LogitBias", "100"),
            Case(o with { LogitBias = new Dictionary<int, float> { [-1] = 1 } }, "LogitBias", "-1"),
            Case(o with { LogitBias = new Dictionary<int, float> { [5] = float.NaN } }, "LogitBias", "NaN"),
            Case(o with { LogitBias = new Dictionary<int, float> { [5] = float.NegativeInfinity } }, "LogitBias", "-Infinity"),
        ];
    }

    [TestCaseSource(nameof(Refused))]
    public void Values_out_of_range_are_refused_by_name_and_value(SamplingOptions options, string parameter, string value)
    {
        InvalidRequestException error = Assert.Throws<InvalidRequestException>(() => options.Validate(Vocabulary))!;
        Assert.That(error.Parameter, Is.EqualTo(parameter));
        Assert.That(error.Code, Is.EqualTo("request.invalid"));
        Assert.That(error.Message, Does.StartWith(parameter).And.Contain($" {value};"));
    }

    [Test]
    public void Values_at_the_ends_of_their_ranges_are_accepted()
    {
        SamplingOptions edge = new()
        {
            Temperature = float.MaxValue,
            TopK = int.MaxValue,
            TopP = float.Epsilon,
            MinP = 1,
            RepetitionPenalty = float.Epsilon,
            PresencePenalty = -2,
            FrequencyPenalty = 2,
            LogitBias = new Dictionary<int, float> { [0] = -100, [Vocabulary - 1] = 100 },
            Seed = long.MinValue,
        };
        Assert.That(() => edge.Validate(Vocabulary), Throws.Nothing);
        SamplingOptions off = new() { TopP = 1, MinP = 0, LogitBias = new Dictionary<int, float>() };
        Assert.That(() => off.Validate(Vocabulary), Throws.Nothing);
    }

    [Test]
    public void The_default_is_greedy_with_every_stage_off()
    {
        Assert.That(SamplingOptions.Greedy, Is.EqualTo(new SamplingOptions
        {
            Temperature = 0,
            TopK = 0,
            TopP = 1,
            MinP = 0,
            RepetitionPenalty = 1,
            PresencePenalty = 0,
            FrequencyPenalty = 0,
            LogitBias = null,
            Seed = null,
        }));
    }

    [Test, NonParallelizable]
    public void Messages_do_not_depend_on_the_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = new NumberFormatInfo { NumberDecimalSeparator = "," } };
            SamplingOptions options = new() { TopP = 1.5f };
            InvalidRequestException error = Assert.Throws<InvalidRequestException>(() => options.Validate(Vocabulary))!;
            Assert.That(error.Message, Does.Contain("1.5"));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static TestCaseData Case(SamplingOptions options, string parameter, string value) =>
        new TestCaseData(options, parameter, value).SetArgDisplayNames(parameter, value);
}
