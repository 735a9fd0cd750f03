using System.Text.RegularExpressions;
using NUnit.Framework;
using SLoRA.Text;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>The tokenizer and the chat template of a real model, id for id.</summary>
[Parallelizable(ParallelScope.All)]
public sealed partial class TextTests
{
    public static IEnumerable<TestCaseData> Cases() =>
        RealModelCases.Of("expected*.json", file => file.Cases.Where(candidate => candidate.PromptText is not null)
            .Select(candidate => candidate.Name), suffix: "text");

    public static IEnumerable<TestCaseData> Texts() =>
        RealModelCases.Of("perplexity*.json", file => file.Text is null ? [] : ["ids"], suffix: "text");

    [TestCaseSource(nameof(Cases))]
    public void A_conversation_becomes_the_ids_and_the_answer_becomes_text(string path, string file, string name)
    {
        var folder = new RealModelFolder(path);
        ReferenceFile reference = folder.Read(file);
        ReferenceCase expected = reference.Case(name);
        ModelTokenizer tokenizer = Load(folder, reference.BaseWeights);
        int end = expected.Stop ?? expected.GreedyIds.Length;
        Assert.Multiple(() =>
        {
            Assert.That(tokenizer.Encode(expected.PromptText!), Is.EqualTo(expected.PromptIds), "prompt");
            Assert.That(tokenizer.Decode(expected.GreedyIds.AsSpan(0, end)), Is.EqualTo(expected.Text), "answer");
            TemplateMessage[] messages = [.. Turn().Matches(expected.PromptText!)
                .Select(turn => new TemplateMessage(turn.Groups["role"].Value, turn.Groups["content"].Value))];
            if (messages.Length > 0)
            {
                Assert.That(tokenizer.EncodeChat(messages), Is.EqualTo(expected.PromptIds), "conversation");
            }
        });
    }

    [TestCaseSource(nameof(Texts))]
    public void A_long_text_becomes_the_ids(string path, string file, string name)
    {
        var folder = new RealModelFolder(path);
        ReferenceFile reference = folder.Read(file);
        Assert.That(Load(folder, reference.Weights.Keys.First()).Encode(reference.Text!), Is.EqualTo(reference.Ids), name);
    }

    [GeneratedRegex(@"<\|im_start\|>(?<role>\w+)\n(?<content>.*?)<\|im_end\|>", RegexOptions.Singleline)]
    private static partial Regex Turn();

    private static ModelTokenizer Load(RealModelFolder folder, string? weights)
    {
        string? model = folder.Model(weights);
        if (model is null)
        {
            Assert.Ignore($"{folder.Path} has no model with {weights} weights");
        }

        return ModelTokenizer.Load(model!);
    }
}
