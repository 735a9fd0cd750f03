namespace SLoRA;

/// <summary>How tokens are chosen as a model's authors recommend.</summary>
public static class ModelSampling
{
    extension(SamplingOptions)
    {
        /// <summary>What the authors of a model recommend: <see cref="ModelInfo.RecommendedSampling"/>.</summary>
        /// <param name="model">The model.</param>
        public static SamplingOptions FromModel(ModelInfo model)
        {
            ArgumentNullException.ThrowIfNull(model);
            return model.RecommendedSampling;
        }
    }
}
