using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace SLoRA.HuggingFace.Tests.Fake;

/// <summary>One answer of the fake Hub, with what goes wrong in it.</summary>
internal sealed class HubAnswer(HttpContext context, HubFault? fault)
{
    public string Method => context.Request.Method;

    public string? Token => ((string?)context.Request.Headers.Authorization)?["Bearer ".Length..];

    public void Set(string header, string value) => context.Response.Headers[header] = value;

    public Task ErrorAsync(int status, string? code, string message)
    {
        if (code is not null)
        {
            Set("X-Error-Code", code);
        }

        Set("X-Error-Message", message);
        return JsonAsync(status, new JsonObject { ["error"] = message });
    }

    public Task JsonAsync(int status, JsonNode json) =>
        BytesAsync(status, "application/json; charset=utf-8", Encoding.UTF8.GetBytes(json.ToJsonString()));

    public Task RedirectAsync(int status, string location)
    {
        Set("Location", location);
        return BytesAsync(status, null, Encoding.UTF8.GetBytes("Redirecting"));
    }

    public async Task BytesAsync(int status, string? type, byte[] bytes)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        await SendAsync(bytes);
    }

    /// <summary>A file, or the range of it that was asked for.</summary>
    public async Task FileAsync(HubFile file, string type)
    {
        HttpResponse response = context.Response;
        byte[] bytes = file.Bytes;
        Set("Accept-Ranges", "bytes");
        response.ContentType = type;
        Set("Content-Disposition", "inline; filename=\"file\";");
        if (fault is { Gzip: true })
        {
            using var compressed = new MemoryStream();
            using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            {
                gzip.Write(bytes);
            }

            Set("Content-Encoding", "gzip");
            Set("ETag", "W/" + response.Headers.ETag);
            await SendAsync(compressed.ToArray(), isChunked: true);
            return;
        }

        if (fault?.Size is { } size)
        {
            Array.Resize(ref bytes, size);
        }

        if (Method == "GET" && fault is not { IgnoreRange: true } && Range(context.Request.Headers.Range, bytes.Length) is { } range)
        {
            if (range.First >= bytes.Length)
            {
                response.Headers.Clear();
                Set("Content-Range", $"bytes */{bytes.Length}");
                await BytesAsync(416, null, []);
                return;
            }

            response.StatusCode = 206;
            Set("Content-Range", $"bytes {range.First}-{range.Last}/{bytes.Length}");
            bytes = bytes[range.First..(range.Last + 1)];
        }

        if (fault is { Corrupt: true })
        {
            bytes = [.. bytes.Select(value => (byte)(value ^ 0x55))];
        }

        await SendAsync(bytes);
    }

    private static (int First, int Last)? Range(string? header, int size)
    {
        string[] bounds = header?.StartsWith("bytes=", StringComparison.Ordinal) == true ? header[6..].Split('-') : [];
        if (bounds.Length != 2 || header!.Contains(','))
        {
            return null;
        }

        if (bounds[0].Length == 0)
        {
            return (size - int.Parse(bounds[1], CultureInfo.InvariantCulture), size - 1);
        }

        int first = int.Parse(bounds[0], CultureInfo.InvariantCulture);
        int last = bounds[1].Length == 0 ? size - 1 : Math.Min(int.Parse(bounds[1], CultureInfo.InvariantCulture), size - 1);
        return bounds[1].Length > 0 && int.Parse(bounds[1], CultureInfo.InvariantCulture) < first ? null : (first, last);
    }

    private async Task SendAsync(byte[] bytes, bool isChunked = false)
    {
        HttpResponse response = context.Response;
        foreach ((string name, string? value) in fault?.Set ?? [])
        {
            response.Headers[name] = value;
        }

        foreach ((string name, string value) in fault?.Headers ?? [])
        {
            Set(name, value);
        }

        if (!isChunked)
        {
            response.ContentLength = bytes.Length;
        }

        if (Method == "HEAD")
        {
            return;
        }

        int before = Math.Min(fault?.Cut ?? fault?.Hold ?? bytes.Length, bytes.Length);
        await response.StartAsync();
        await response.Body.WriteAsync(bytes.AsMemory(0, before));
        await response.Body.FlushAsync();
        if (fault?.Cut is not null)
        {
            // Kestrel sends what there is and closes the connection of an answer that is shorter than it said. To abort it could be faster
            // than its own sending, and the client would see now this and now that.
            return;
        }

        if (before < bytes.Length)
        {
            await fault!.WaitAsync(context.RequestAborted);
            await response.Body.WriteAsync(bytes.AsMemory(before));
        }
    }
}
