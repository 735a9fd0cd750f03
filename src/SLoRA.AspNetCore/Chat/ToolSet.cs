using System.Text.Json;
using System.Text.Json.Nodes;
using SLoRA.AspNetCore.Errors;
using SLoRA.AspNetCore.Json;
using SLoRA.Extensions.AI.Replies;

namespace SLoRA.AspNetCore.Chat;

/// <summary>The tools of a request.</summary>
/// <param name="Declarations">Their names and schemas; empty where the model may call nothing.</param>
/// <param name="ForTemplate">The same as templates read it; null where there are none.</param>
/// <param name="IsParallel">Whether an answer may have several calls.</param>
internal sealed record ToolSet(IReadOnlyList<ToolDeclaration> Declarations, JsonArray? ForTemplate, bool IsParallel)
{
    /// <summary>The most tools.</summary>
    private const int MostTools = 128;

    private static readonly ToolSet None = new([], null, true);

    /// <summary>Reads tools and what may be done with them.</summary>
    /// <param name="tools">A list of functions, or nothing.</param>
    /// <param name="choice"><c>auto</c>, <c>none</c>, or nothing.</param>
    /// <param name="parallel">Whether several calls may be made; they may unless said otherwise.</param>
    /// <exception cref="ApiException">A tool is no function, or a call is demanded, which this server cannot promise.</exception>
    public static ToolSet Read(JsonElement? tools, JsonElement? choice, bool? parallel)
    {
        bool mayCall = MayCall(choice);
        if (tools is not { ValueKind: not JsonValueKind.Null } given)
        {
            return None;
        }

        if (given.ValueKind != JsonValueKind.Array || given.GetArrayLength() > MostTools)
        {
            throw ApiException.Invalid("tools", $"tools must be a list of at most {MostTools} functions.");
        }

        var declarations = new List<ToolDeclaration>();
        var forTemplate = new JsonArray();
        foreach (JsonElement tool in given.EnumerateArray())
        {
            JsonElement function = FunctionOf(tool);
            string name = ElementText.Member(function, "name", "tools")
                ?? throw ApiException.Invalid("tools", "A tool has no name.");
            declarations.Add(new ToolDeclaration(
                name, function.TryGetProperty("parameters", out JsonElement schema) ? schema.Clone() : default));
            forTemplate.Add((JsonNode)new JsonObject { ["type"] = "function", ["function"] = Members(function) });
        }

        return mayCall && declarations.Count > 0 ? new ToolSet(declarations, forTemplate, parallel ?? true) : None;
    }

    /// <summary>Chat completions wrap a function in a member; responses write it into the tool itself.</summary>
    private static JsonElement FunctionOf(JsonElement tool)
    {
        string type = tool.ValueKind == JsonValueKind.Object ? ElementText.Member(tool, "type", "tools") ?? "" : "";
        if (type != "function")
        {
            throw ApiException.Unsupported("tools", $"A tool is of type '{type}'; this server knows functions alone.");
        }

        return tool.TryGetProperty("function", out JsonElement inner) && inner.ValueKind == JsonValueKind.Object ? inner : tool;
    }

    /// <summary>Name, description and parameters; what else clients write there means nothing to a model.</summary>
    private static JsonObject Members(JsonElement function)
    {
        var members = new JsonObject();
        foreach (string name in (string[])["name", "description", "parameters"])
        {
            if (function.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null)
            {
                members[name] = JsonNode.Parse(value.GetRawText());
            }
        }

        return members;
    }

    private static bool MayCall(JsonElement? choice)
    {
        if (choice is not { ValueKind: not JsonValueKind.Null } given)
        {
            return true;
        }

        string name = given.ValueKind == JsonValueKind.String ? ElementText.Of(given, "tool_choice") : "a given function";
        return name switch
        {
            "auto" => true,
            "none" => false,
            _ => throw ApiException.Unsupported(
                "tool_choice", $"tool_choice '{name}' is not supported: output is not constrained here. Use 'auto' or 'none'."),
        };
    }
}
