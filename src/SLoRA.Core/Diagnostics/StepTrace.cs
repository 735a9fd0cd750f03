using System.Diagnostics;
using SLoRA.Step;

namespace SLoRA.Diagnostics;

/// <summary>The span <c>slora.step</c> of each step, when somebody listens to its source.</summary>
internal static class StepTrace
{
    private static readonly ActivitySource Source = new(MetricsOptions.StepActivitySourceName);

    /// <summary>Starts the span of a step; null when nobody listens.</summary>
    public static Activity? Start(StepPlan plan)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        try
        {
            Activity? activity = Source.StartActivity("slora.step", ActivityKind.Internal);
            activity?.SetTag("slora.step.tokens", plan.RowCount);
            activity?.SetTag("slora.step.sequences", plan.Slices.Length);
            return activity;
        }
        catch (Exception)
        {
            // A listener's error is not the engine's. What it has stopped half way must not become the parent of what follows.
            Activity.Current = null;
            return null;
        }
    }

    /// <summary>Ends it.</summary>
    public static void End(Activity? activity)
    {
        try
        {
            activity?.Stop();
        }
        catch (Exception)
        {
            // A listener's error is not the engine's.
        }
    }
}
