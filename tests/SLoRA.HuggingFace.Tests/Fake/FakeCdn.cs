using System.Text;

namespace SLoRA.HuggingFace.Tests.Fake;

/// <summary>The CDN: bytes by their hash, for whoever has a signed address and sends no token.</summary>
internal sealed class FakeCdn(HubContent content)
{
    public Task AnswerAsync(HubAnswer answer, string target, string? authorization)
    {
        string[] parts = target.Split('?')[0].Split('/', StringSplitOptions.RemoveEmptyEntries);
        HubFile? file = parts.Length == 2 ? content.OfSha256(parts[1]) : null;
        if (authorization is not null)
        {
            return answer.BytesAsync(400, "application/xml", Encoding.ASCII.GetBytes("<Error><Code>InvalidArgument</Code></Error>"));
        }

        if (file is null || !target.Contains("X-Amz-Signature=", StringComparison.Ordinal))
        {
            return answer.BytesAsync(403, "application/xml", Encoding.ASCII.GetBytes("<Error><Code>AccessDenied</Code></Error>"));
        }

        answer.Set("ETag", $"\"{file.Etag}\"");
        return answer.FileAsync(file, "application/octet-stream");
    }
}
