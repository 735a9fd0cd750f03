using System.Diagnostics;
using SLoRA.Errors;

namespace SLoRA.Requests;

/// <summary>
/// The span <c>slora.request</c> of one request, with an event for each of its stages. There is none unless somebody listens.
/// </summary>
internal sealed class RequestTrace
{
    private static readonly ActivitySource Source = new(MetricsOptions.ActivitySourceName);

    private readonly Activity _activity;

    private RequestTrace(Activity activity) => _activity = activity;

    /// <summary>Starts the span as a child of the caller's, which stays the current one. Null when nobody listens.</summary>
    public static RequestTrace? Start(GenerationRequest request)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        Activity? current = Activity.Current;
        try
        {
            Activity? activity = Source.StartActivity("slora.request", ActivityKind.Internal);
            activity?.SetTag("gen_ai.operation.name", "text_completion");
            activity?.SetTag("gen_ai.provider.name", "slora");
            if (activity is null)
            {
                return null;
            }

            Tag(activity, "gen_ai.request.model", request.Adapter);
            Tag(activity, "slora.request.id", request.RequestId);
            Tag(activity, "slora.client.id", request.ClientId);
            return new RequestTrace(activity);
        }
        catch (Exception)
        {
            // A listener's error is not the request's.
            return null;
        }
        finally
        {
            Activity.Current = current;
        }
    }

    /// <summary>Ends the span.</summary>
    /// <param name="reason">Why the request ended.</param>
    /// <param name="usage">What it took: when it was admitted and gave its first token follows from that.</param>
    /// <param name="error">What it failed with, if it did.</param>
    public void End(FinishReason reason, GenerationUsage usage, Exception? error)
    {
        try
        {
            Describe(reason, usage, error);
            _activity.Stop();
        }
        catch (Exception)
        {
            // A listener's error is not the engine's.
        }
    }

    private static void Tag(Activity activity, string name, string? value)
    {
        if (value is not null)
        {
            activity.SetTag(name, value);
        }
    }

    private void Describe(FinishReason reason, GenerationUsage usage, Exception? error)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        if (usage.GeneratedTokens > 0)
        {
            DateTimeOffset first = now - usage.DecodeTime;
            DateTimeOffset admitted = first - usage.PrefillTime;
            _activity.AddEvent(new ActivityEvent("queued", admitted - usage.QueueTime - usage.PageInTime));
            _activity.AddEvent(new ActivityEvent("admitted", admitted));
            _activity.AddEvent(new ActivityEvent("first_token", first));
        }

        _activity.AddEvent(new ActivityEvent("finished", now));
        _activity.SetTag("gen_ai.response.finish_reasons", reason.ToString());
        _activity.SetTag("gen_ai.usage.input_tokens", usage.PromptTokens);
        _activity.SetTag("gen_ai.usage.output_tokens", usage.GeneratedTokens);
        if (error is not null)
        {
            _activity.SetTag("error.type", ErrorText.TypeOf(error));
            _activity.SetStatus(ActivityStatusCode.Error, ErrorText.Of(error));
        }
    }
}
