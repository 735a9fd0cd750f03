using System.Diagnostics;
using SLoRA;
using SLoRA.Text;

namespace Quickstart;

/// <summary>What one tenant has said so far. One task writes it, the display reads it.</summary>
internal sealed class Answer(string tenant)
{
    private volatile string _text = "";
    private long _first;
    private long _last;
    private int _tokens;
    private volatile bool _isCut;

    public string Tenant { get; } = tenant;

    public string Text => _text;

    /// <summary>The text, and after it whether the model had more to say.</summary>
    public string MarkedText => _isCut ? $"{Text} {CutMark}" : Text;

    public int Tokens => Volatile.Read(ref _tokens);

    /// <summary>Tokens per second since the first one.</summary>
    public double TokensPerSecond =>
        Tokens > 1 && Volatile.Read(ref _last) > _first
            ? (Tokens - 1) / Stopwatch.GetElapsedTime(_first, Volatile.Read(ref _last)).TotalSeconds
            : 0;

    /// <summary>Stands behind an answer that its limit has ended.</summary>
    private string CutMark => $"[cut at --max-tokens {Tokens}]";

    /// <summary>Generates the answer.</summary>
    /// <param name="engine">Who answers.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="tokenTaken">
    /// Called with what there is more to show: after every token with the text that it made certain, and with a mark after an answer that
    /// was cut.
    /// </param>
    /// <param name="cancellation">Ends the request.</param>
    public async Task ReceiveAsync(TextEngine engine, GenerationRequest request, Action<string> tokenTaken, CancellationToken cancellation)
    {
        TextStream stream = engine.Tokenizer.CreateStream(request.Prompt.Span);
        GenerationStream tokens = engine.Engine.GenerateAsync(request, cancellation);
        await foreach (GeneratedToken token in tokens.ConfigureAwait(false))
        {
            Take(stream.Append(token.Id).ToString(), tokenTaken);
            Count();
        }

        Take(stream.Finish().ToString(), tokenTaken);
        if (tokens.FinishReason == FinishReason.Length)
        {
            _isCut = true;
            tokenTaken($" {CutMark}");
        }
    }

    private void Take(string piece, Action<string> tokenTaken)
    {
        _text += piece;
        tokenTaken(piece);
    }

    private void Count()
    {
        Volatile.Write(ref _last, Stopwatch.GetTimestamp());
        if (++_tokens == 1)
        {
            _first = _last;
        }
    }
}
