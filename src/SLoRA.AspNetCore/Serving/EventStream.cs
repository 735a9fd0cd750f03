using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;

namespace SLoRA.AspNetCore.Serving;

/// <summary>
/// Server-sent events, one JSON value each, sent when they are given. The answer's head goes with the first of them: what fails before
/// it is still answered with a status of its own.
/// </summary>
internal sealed class EventStream : IDisposable
{
    private readonly HttpContext _http;
    private readonly PipeWriter _body;
    private readonly Utf8JsonWriter _json;

    public EventStream(HttpContext http)
    {
        _http = http;
        _body = http.Response.BodyWriter;
        _json = new Utf8JsonWriter(_body);
    }

    /// <summary>Sends a value; waits while the client does not take what was sent.</summary>
    /// <param name="value">The value.</param>
    /// <param name="type">Its form.</param>
    /// <param name="name">The event's name; null for none.</param>
    public ValueTask SendAsync<T>(T value, JsonTypeInfo<T> type, string? name = null)
    {
        Begin();
        if (name is not null)
        {
            Encoding.UTF8.GetBytes($"event: {name}\n", _body);
        }

        Write("data: "u8);
        _json.Reset(_body);
        JsonSerializer.Serialize(_json, value, type);
        Write("\n\n"u8);
        return FlushAsync();
    }

    /// <summary>Says that nothing follows, as clients of OpenAI expect it.</summary>
    public ValueTask SendDoneAsync()
    {
        Begin();
        Write("data: [DONE]\n\n"u8);
        return FlushAsync();
    }

    public void Dispose() => _json.Dispose();

    private void Begin()
    {
        if (_http.Response.HasStarted)
        {
            return;
        }

        _http.Response.ContentType = "text/event-stream; charset=utf-8";
        _http.Response.Headers.CacheControl = "no-cache";
        // Proxies in front would else collect events.
        _http.Response.Headers["X-Accel-Buffering"] = "no";
        _http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_body.GetSpan(bytes.Length));
        _body.Advance(bytes.Length);
    }

    private async ValueTask FlushAsync()
    {
        FlushResult result = await _body.FlushAsync(_http.RequestAborted).ConfigureAwait(false);
        if (result.IsCompleted)
        {
            throw new OperationCanceledException("The client has gone.");
        }
    }
}
