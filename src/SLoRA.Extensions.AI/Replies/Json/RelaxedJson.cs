using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace SLoRA.Extensions.AI.Replies.Json;

/// <summary>Writes JSON as people and models read it: letters stand as they are, but for those beyond the basic plane.</summary>
internal static class RelaxedJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }
}
