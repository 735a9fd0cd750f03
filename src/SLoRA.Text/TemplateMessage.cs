using System.Text.Json;
using System.Text.Json.Nodes;
using SLoRA.Text.Templates;

namespace SLoRA.Text;

/// <summary>
/// One message of a conversation: a role, the content (text, or a list of parts), and whatever else its template reads (tool_calls, name,
/// reasoning_content, ...). Members reach the template in the order role, content, others. Immutable, if nobody changes the JSON given to
/// it.
/// </summary>
public sealed record TemplateMessage
{
    /// <summary>Creates a message with text.</summary>
    /// <param name="role">Who speaks: system, user, assistant, tool, or what the template knows.</param>
    /// <param name="content">The text; null becomes none.</param>
    public TemplateMessage(string role, string? content)
        : this(role, content is null ? null : JsonValue.Create(content))
    {
    }

    /// <summary>Creates a message with any content.</summary>
    /// <param name="role">Who speaks.</param>
    /// <param name="content">Text, a list of parts, or null.</param>
    public TemplateMessage(string role, JsonNode? content)
    {
        ArgumentNullException.ThrowIfNull(role);
        Role = role;
        Content = content;
    }

    /// <summary>Who speaks.</summary>
    public string Role { get; }

    /// <summary>Text, a list of parts, or null.</summary>
    public JsonNode? Content { get; }

    /// <summary>Further members by name.</summary>
    public IReadOnlyDictionary<string, JsonNode?> Members
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = new Dictionary<string, JsonNode?>();

    /// <summary>The role alone: what was said does not belong in logs, and JSON from outside may not even be writable as text.</summary>
    public override string ToString() => $"{nameof(TemplateMessage)} {{ Role = {Role} }}";

    /// <summary>Takes a message apart that is already JSON. Of a member that is given twice the last counts.</summary>
    /// <param name="message">An object with a text member <c>role</c>.</param>
    /// <exception cref="ChatTemplateException"><c>template.input</c>: it is no object, has no role, or a name in it is no text.</exception>
    public static TemplateMessage FromJson(JsonNode message)
    {
        ArgumentNullException.ThrowIfNull(message);
        try
        {
            if (message is not JsonObject members)
            {
                throw new ChatTemplateException("template.input", "a message is no JSON object");
            }

            if (JsonStrings.HasMemberTwice(members, out JsonElement written))
            {
                members = OfLast(written);
            }

            if (members["role"] is not JsonValue role || role.GetValueKind() != JsonValueKind.String)
            {
                throw new ChatTemplateException("template.input", "a message has no text member 'role'");
            }

            return new TemplateMessage(role.TryGetValue(out JsonElement text)
                ? JsonStrings.Text(text)
                : role.GetValue<string>(), members["content"])
            {
                Members = members.Where(m => m.Key is not ("role" or "content")).ToDictionary(m => m.Key, m => m.Value),
            };
        }
        catch (Exception error) when (JsonStrings.IsUnreadable(error))
        {
            throw JsonStrings.Unreadable(error);
        }
    }

    private static JsonObject OfLast(JsonElement written)
    {
        var members = new JsonObject();
        foreach (JsonProperty member in written.EnumerateObject())
        {
            members[JsonStrings.Name(member)] = member.Value.ValueKind switch
            {
                JsonValueKind.Object => JsonObject.Create(member.Value),
                JsonValueKind.Array => JsonArray.Create(member.Value),
                _ => JsonValue.Create(member.Value),
            };
        }

        return members;
    }
}
