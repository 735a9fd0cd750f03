using System.Text.Json.Nodes;
using SLoRA.Extensions.AI.Replies.Json;

namespace SLoRA.Extensions.AI.Replies.Grammars;

/// <summary>Arguments that a format writes one by one and without quotes, gathered into a JSON object.</summary>
/// <param name="tools">Where the types of values are declared.</param>
/// <param name="function">Whose arguments they are.</param>
internal sealed class ArgumentValues(DeclaredTools tools, string function)
{
    private readonly JsonObject _values = [];

    /// <summary>Adds an argument. Of a key that comes twice the last value counts.</summary>
    public void Add(string key, ReadOnlySpan<char> value) => _values[key] = tools.TypeOf(function, key).Read(Utf16.Repair(value));

    public ToolCall ToCall() => new(function, RelaxedJson.Write(writer => _values.WriteTo(writer)));
}
