using System.Text.Json;

namespace SLoRA.HuggingFace.Protocol;

/// <summary>Reads documents of the Hub, no larger than they can be.</summary>
internal static class BoundedBody
{
    private const int LargestDocument = 64 << 20;
    private const int BufferBytes = 1 << 16;

    /// <summary>Reads an answer as JSON.</summary>
    /// <exception cref="HubException">It is too large, or no JSON.</exception>
    public static async Task<JsonDocument> ReadJsonAsync(
        HttpResponseMessage response, string subject, HubOptions options, CancellationToken cancellation)
    {
        using var expiry = new CancellationTokenSource(options.ReadTimeout, options.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, expiry.Token);
        using var bytes = new MemoryStream();
        Stream body = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            byte[] buffer = new byte[BufferBytes];
            while (await body.ReadAsync(buffer, either.Token).ConfigureAwait(false) is > 0 and var read)
            {
                expiry.CancelAfter(options.ReadTimeout);
                bytes.Write(buffer, 0, read);
                if (bytes.Length > LargestDocument)
                {
                    throw new HubException(HubErrorKind.Protocol, $"{subject}: the Hub's answer is larger than {LargestDocument} bytes.");
                }
            }
        }

        try
        {
            return JsonDocument.Parse(bytes.GetBuffer().AsMemory(0, (int)bytes.Length));
        }
        catch (JsonException error)
        {
            throw new HubException(HubErrorKind.Protocol, $"{subject}: the Hub's answer is not JSON.", error);
        }
    }
}
