using System.Text;
using SLoRA.AspNetCore.Json;
using SLoRA.AspNetCore.Serving;
using SLoRA.Extensions.AI.Replies;
using SLoRA.Text;

namespace SLoRA.AspNetCore.Chat;

/// <summary>Writes one answer, whole or in pieces.</summary>
internal sealed class ChatCompletionAnswer
{
    private readonly string _id;
    private readonly ChatCompletionBody _body;
    private readonly TextGeneration _generation;
    private readonly ReplyReader[] _readers;
    private readonly long _created;

    public ChatCompletionAnswer(string id, ModelServer server, ChatCompletionBody body, ChatTurn turn, TextGeneration generation)
    {
        _id = id;
        _body = body;
        _generation = generation;
        _readers = [.. Enumerable.Range(0, turn.Request.Continuations).Select(_ => turn.CreateReader())];
        _created = server.Now;
    }

    /// <summary>Whether tokens are shown with their log-probabilities.</summary>
    private bool HasLogprobs => _body.Logprobs ?? false;

    /// <summary>Waits for all choices, and answers.</summary>
    public async Task CompleteAsync(HttpContext http)
    {
        Choice[] choices = [.. _readers.Select(_ => new Choice())];
        await foreach (TextUpdate update in _generation.ConfigureAwait(false))
        {
            Choice choice = choices[update.Continuation];
            choice.Add(_readers[update.Continuation].Read(update));
            if (HasLogprobs && update.End is null)
            {
                choice.Tokens.Add(TokenTexts.Of(update.Update.Token, _generation.Tokenizer));
            }
        }

        GenerationUsage usage = _generation.Tokens.Usage!;
        var answer = new ChatCompletion(
            _id, "chat.completion", _created, _body.Model!,
            [.. choices.Select((choice, i) => choice.Finish(i, HasLogprobs))], Usage.Of(usage))
        {
            SystemFingerprint = usage.Generations.FirstOrDefault(),
        };
        await JsonAnswer.WriteAsync(http, answer, ApiJson.Default.ChatCompletion).ConfigureAwait(false);
    }

    /// <summary>Sends each piece when it is there, the end of each choice when it ends.</summary>
    public async Task StreamAsync(HttpContext http)
    {
        using var events = new EventStream(http);
        bool hasBegun = false;
        await foreach (TextUpdate update in _generation.ConfigureAwait(false))
        {
            if (!hasBegun)
            {
                hasBegun = true;
                await SendAsync(events, [.. _readers.Select((_, i) => Piece(i, new ChatDelta { Role = "assistant", Content = "" }))])
                    .ConfigureAwait(false);
            }

            ReplyPiece piece = _readers[update.Continuation].Read(update);
            ChatLogprobs? logprobs = HasLogprobs && update.End is null
                ? new ChatLogprobs([TokenTexts.Of(update.Update.Token, _generation.Tokenizer)])
                : null;
            if (!piece.IsEmpty || logprobs is not null)
            {
                await SendAsync(events, [.. Pieces(update.Continuation, piece, logprobs)]).ConfigureAwait(false);
            }
        }

        if (_body.StreamOptions?.IncludeUsage ?? false)
        {
            await SendAsync(events, [], _generation.Tokens.Usage).ConfigureAwait(false);
        }

        await events.SendDoneAsync().ConfigureAwait(false);
    }

    /// <summary>What a piece says, and behind it, apart, why the choice has ended.</summary>
    private static IEnumerable<ChatChoice> Pieces(int index, ReplyPiece piece, ChatLogprobs? logprobs)
    {
        if (piece.Text.Length > 0 || piece.Reasoning.Length > 0 || piece.Calls.Count > 0 || logprobs is not null)
        {
            var delta = new ChatDelta
            {
                Content = piece.Text.Length > 0 || logprobs is not null ? piece.Text : null,
                ReasoningContent = piece.Reasoning.Length > 0 ? piece.Reasoning : null,
                ToolCalls = piece.Calls.Count > 0 ? [.. piece.Calls.Select(call => Call(call, call.Index))] : null,
            };
            yield return Piece(index, delta) with { Logprobs = logprobs };
        }

        if (piece.FinishReason is { } reason)
        {
            yield return Piece(index, new ChatDelta()) with { FinishReason = reason };
        }
    }

    private static ChatChoice Piece(int index, ChatDelta delta) => new(index) { Delta = delta };

    private static ChatToolCall Call(ToolCallPart call, int? index) =>
        new(index, call.Id, "function", new ChatFunctionCall(call.Name, call.Arguments));

    /// <summary>Sends choices, an event each; without choices, the usage.</summary>
    private async ValueTask SendAsync(EventStream events, ChatChoice[] choices, GenerationUsage? usage = null)
    {
        var chunk = new ChatCompletion(_id, "chat.completion.chunk", _created, _body.Model!, []);
        if (usage is not null)
        {
            chunk = chunk with { Usage = Usage.Of(usage), SystemFingerprint = usage.Generations.FirstOrDefault() };
            await events.SendAsync(chunk, ApiJson.Default.ChatCompletion).ConfigureAwait(false);
        }

        foreach (ChatChoice choice in choices)
        {
            await events.SendAsync(chunk with { Choices = [choice] }, ApiJson.Default.ChatCompletion).ConfigureAwait(false);
        }
    }

    /// <summary>One choice while it is collected.</summary>
    private sealed class Choice
    {
        private readonly StringBuilder _text = new();
        private readonly StringBuilder _reasoning = new();
        private readonly List<ToolCallPart> _calls = [];
        private string? _finishReason;

        public List<TokenLogprob> Tokens { get; } = [];

        public void Add(ReplyPiece piece)
        {
            _text.Append(piece.Text);
            _reasoning.Append(piece.Reasoning);
            _calls.AddRange(piece.Calls);
            _finishReason = piece.FinishReason ?? _finishReason;
        }

        public ChatChoice Finish(int index, bool hasLogprobs) => new(index)
        {
            Message = new ChatMessage("assistant", _calls.Count > 0 && _text.Length == 0 ? null : _text.ToString())
            {
                ReasoningContent = _reasoning.Length > 0 ? _reasoning.ToString() : null,
                ToolCalls = _calls.Count > 0 ? [.. _calls.Select(call => Call(call, index: null))] : null,
            },
            Logprobs = hasLogprobs ? new ChatLogprobs(Tokens) : null,
            FinishReason = _finishReason,
        };
    }
}
