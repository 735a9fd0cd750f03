using System.Text.Json;

namespace SLoRA.Extensions.AI.Replies;

/// <summary>A tool that the model was told about.</summary>
/// <param name="Name">The function's name.</param>
/// <param name="Parameters">
/// The JSON schema of its parameters: formats that write values without quotes need it to tell the number 7 from the text "7". Where it is
/// left out, such values are text.
/// </param>
public sealed record ToolDeclaration(string Name, JsonElement Parameters = default);
