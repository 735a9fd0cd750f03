using SLoRA.Extensions.AI.Tests.Chat;

namespace SLoRA.Extensions.AI.Tests.Conformance;

/// <summary>
/// A model that knows what the conformance tests of Microsoft.Extensions.AI ask: the tests here have the names and the shapes of those, and
/// show that everything around a model works when the model does its part.
/// </summary>
internal sealed class ConformanceModel
{
    private readonly List<(string Sign, string Answer)> _knowledge = [];
    private int _answers;

    public ConformanceModel() => Engine = new ScriptedEngine(DemoModel.Tokenizer, Answer);

    public ScriptedEngine Engine { get; }

    public LoraChatClient Client => Engine.AsChatClient(
        DemoModel.Tokenizer, DemoModel.WithTools with { ProviderUri = new Uri("http://engine.example:8123") });

    /// <summary>Calls that reach the client.</summary>
    public int Calls => Engine.Requests.Count;

    /// <summary>The model answers so where a prompt holds the sign, what was said first counting first.</summary>
    public ConformanceModel Knows(string sign, string answer)
    {
        _knowledge.Add((sign, answer));
        return this;
    }

    public static string Call(string name, string arguments = "{}") =>
        $"<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {arguments}}}\n</tool_call>";

    /// <summary>The sign of a result that was given back.</summary>
    public static string Result(string text) => $"<|im_start|>tool\n{text}";

    private string Answer(string prompt)
    {
        _answers++;
        foreach ((string sign, string answer) in _knowledge)
        {
            if (prompt.Contains(sign, StringComparison.Ordinal))
            {
                return answer;
            }
        }

        return $"I do not know, and I have been asked {_answers} times.";
    }
}
