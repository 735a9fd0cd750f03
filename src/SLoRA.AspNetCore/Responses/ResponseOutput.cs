using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SLoRA.AspNetCore.Chat;
using SLoRA.AspNetCore.Json;
using SLoRA.Extensions.AI.Replies;

namespace SLoRA.AspNetCore.Responses;

/// <summary>
/// The items of a response while they come about, and the events that tell of it: an item is added, grows by deltas, and is done. One item
/// is open at a time.
/// </summary>
/// <param name="emit">Takes each event with its name.</param>
internal sealed class ResponseOutput(Func<string, JsonObject, ValueTask> emit)
{
    private const string Done = "completed";

    private readonly JsonArray _items = [];
    private readonly StringBuilder _text = new();
    private readonly JsonArray _logprobs = [];

    // Tokens whose text is still held back: it may turn out to be thoughts or a call, which show none.
    private readonly JsonArray _unshown = [];
    private OpenItem? _open;

    /// <summary>The items that are done.</summary>
    public JsonArray Items => (JsonArray)_items.DeepClone();

    /// <summary>Takes what an update has brought.</summary>
    public async ValueTask AddAsync(ReplyPiece piece, TokenLogprob? token)
    {
        if (token is not null)
        {
            _unshown.Add(JsonSerializer.SerializeToNode(token, ApiJson.Default.TokenLogprob));
        }

        if (piece.Reasoning.Length > 0)
        {
            _unshown.Clear();
            await GrowAsync(OpenItem.Reasoning, piece.Reasoning).ConfigureAwait(false);
        }

        if (piece.Text.Length > 0)
        {
            await GrowAsync(OpenItem.Message, piece.Text).ConfigureAwait(false);
        }

        foreach (ToolCallPart call in piece.Calls)
        {
            _unshown.Clear();
            await AddCallAsync(call).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the item that is open; a response without any has an empty message.</summary>
    /// <param name="status"><c>completed</c>, or <c>incomplete</c> where the limit of tokens has ended it.</param>
    public async ValueTask EndAsync(string status)
    {
        if (_open is null && _items.Count == 0)
        {
            await BeginAsync(OpenItem.Message).ConfigureAwait(false);
        }

        await CloseAsync(status).ConfigureAwait(false);
    }

    private async ValueTask GrowAsync(OpenItem kind, string text)
    {
        if (_open?.Prefix != kind.Prefix)
        {
            await CloseAsync(Done).ConfigureAwait(false);
            await BeginAsync(kind).ConfigureAwait(false);
        }

        _text.Append(text);
        JsonObject delta = Place();
        delta["delta"] = text;
        if (kind == OpenItem.Message)
        {
            delta["logprobs"] = _unshown.DeepClone();
            foreach (JsonNode? logprob in _unshown)
            {
                _logprobs.Add(logprob!.DeepClone());
            }

            _unshown.Clear();
        }

        await emit($"response.{kind.Text}.delta", delta).ConfigureAwait(false);
    }

    private async ValueTask BeginAsync(OpenItem kind)
    {
        _open = kind with { Id = $"{kind.Prefix}_{Guid.NewGuid():N}" };
        await emit("response.output_item.added", OfItem(Item("in_progress", withContent: false))).ConfigureAwait(false);
        JsonObject part = Place();
        part["part"] = Part();
        await emit("response.content_part.added", part).ConfigureAwait(false);
    }

    private async ValueTask CloseAsync(string status)
    {
        if (_open is not { } kind)
        {
            return;
        }

        JsonObject text = Place();
        text["text"] = _text.ToString();
        if (kind.Prefix == OpenItem.Message.Prefix)
        {
            text["logprobs"] = _logprobs.DeepClone();
        }

        await emit($"response.{kind.Text}.done", text).ConfigureAwait(false);
        JsonObject part = Place();
        part["part"] = Part();
        await emit("response.content_part.done", part).ConfigureAwait(false);
        JsonObject item = Item(status, withContent: true);
        await emit("response.output_item.done", OfItem(item.DeepClone())).ConfigureAwait(false);
        _items.Add((JsonNode)item);
        _open = null;
        _text.Clear();
        _logprobs.Clear();
    }

    private async ValueTask AddCallAsync(ToolCallPart call)
    {
        await CloseAsync(Done).ConfigureAwait(false);
        string id = $"fc_{Guid.NewGuid():N}";
        await emit("response.output_item.added", OfItem(Call(id, call, "", "in_progress"))).ConfigureAwait(false);
        await emit("response.function_call_arguments.delta", new JsonObject
        {
            ["item_id"] = id,
            ["output_index"] = _items.Count,
            ["delta"] = call.Arguments,
        }).ConfigureAwait(false);
        await emit("response.function_call_arguments.done", new JsonObject
        {
            ["item_id"] = id,
            ["output_index"] = _items.Count,
            ["name"] = call.Name,
            ["arguments"] = call.Arguments,
        }).ConfigureAwait(false);
        await emit("response.output_item.done", OfItem(Call(id, call, call.Arguments, Done))).ConfigureAwait(false);
        _items.Add((JsonNode)Call(id, call, call.Arguments, Done));
    }

    private JsonObject OfItem(JsonNode item) => new() { ["output_index"] = _items.Count, ["item"] = item };

    private JsonObject Place() => new()
    {
        ["item_id"] = _open!.Id,
        ["output_index"] = _items.Count,
        ["content_index"] = 0,
    };

    private JsonObject Part()
    {
        var part = new JsonObject { ["type"] = _open!.Text, ["text"] = _text.ToString() };
        if (_open.Prefix == OpenItem.Message.Prefix)
        {
            part["annotations"] = new JsonArray();
            part["logprobs"] = _logprobs.DeepClone();
        }

        return part;
    }

    private JsonObject Item(string status, bool withContent)
    {
        var item = new JsonObject { ["type"] = _open!.Type, ["id"] = _open.Id, ["status"] = status };
        if (_open.Prefix == OpenItem.Message.Prefix)
        {
            item["role"] = "assistant";
        }
        else
        {
            item["summary"] = new JsonArray();
        }

        item["content"] = withContent ? new JsonArray(Part()) : new JsonArray();
        return item;
    }

    private static JsonObject Call(string id, ToolCallPart call, string arguments, string status) => new()
    {
        ["type"] = "function_call",
        ["id"] = id,
        ["call_id"] = call.Id,
        ["name"] = call.Name,
        ["arguments"] = arguments,
        ["status"] = status,
    };

    /// <summary>What is open: words or thoughts.</summary>
    private sealed record OpenItem(string Type, string Text, string Prefix)
    {
        public static OpenItem Message { get; } = new("message", "output_text", "msg");

        public static OpenItem Reasoning { get; } = new("reasoning", "reasoning_text", "rs");

        public string Id { get; init; } = "";
    }
}
